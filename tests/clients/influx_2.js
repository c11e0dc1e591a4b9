// npm @influxdata/influxdb-client, the client of InfluxDB 2.
'use strict';
const { InfluxDB, Point, HttpError } = require('@influxdata/influxdb-client');
const { PingAPI, HealthAPI, ReadyAPI, BucketsAPI } = require('@influxdata/influxdb-client-apis');
const { task, check, want, failure, time } = require('./checks');

const put = {
  f: (point, value) => point.floatField('f', value), i: (point, value) => point.intField('i', value),
  u: (point, value) => point.uintField('u', value), b: (point, value) => point.booleanField('b', value),
  s: (point, value) => point.stringField('s', value),
};
const connect = token => new InfluxDB({ url: task.url, token });
const influx = connect(task.writer);
const refused = line => {
  const api = influx.getWriteApi('any', 'any', 'ns', { maxRetries: 0, writeFailed: error => Promise.reject(error) });
  api.writeRecords(line);
  return failure(api.flush());
};

(async () => {
  for (const unit of task.units)
    await check(`writes points in ${unit}, in batches and gzip`, async () => {
      const api = influx.getWriteApi('any', 'any', unit, { batchSize: 100, gzipThreshold: 0, maxRetries: 0 });
      for (const { tags, fields, ns } of task.points) {
        const point = new Point(`${task.measurement}-${unit}`).timestamp(time(ns, unit));
        for (const [name, value] of Object.entries(tags)) point.tag(name, value);
        for (const [name, value] of Object.entries(fields)) put[name](point, value);
        api.writePoint(point);
      }
      await api.close();
    });
  await check('503 with Retry-After is waited for and sent again', async () => {
    let retries = 0, sent = 0;
    // It takes Retry-After for milliseconds: the jitter is what makes it wait.
    const api = connect(task.slow).getWriteApi('any', 'any', 'ns', { batchSize: 500, maxRetries: 100, retryJitter: 2000, maxRetryTime: 60000,
      writeSuccess: lines => { sent += lines.length; },
      writeFailed: error => { retries++; want(error.statusCode === 503, `503, got ${error.statusCode}`); } });
    for (let n = 0; n < task.slow_points; n++) api.writePoint(new Point('slow').intField('n', n).timestamp(String(n)));
    // What fails after close() is not tried again.
    for (let wait = 0; sent < task.slow_points && wait < 600; wait++) await new Promise(wake => setTimeout(wake, 100));
    await api.close();
    want(retries > 0 && sent === task.slow_points, `all after a 503, got ${sent} after ${retries} of them`);
  });
  await check('a bad line is an HttpError with its line and reason', async () => {
    const error = await refused(['kinds f=1 1', 'kinds f=oops 2']);
    want(error instanceof HttpError && error.statusCode === 400 && error.code === 'invalid', `HttpError 400, got ${error}`);
    want(error.message.includes('partial write: line 2: column 9: field "f": oops'), `the reason, got ${error.message}`);
    want(error.json.accepted === 1 && error.json.errors[0].code === 'bad_number', `the list, got ${error.body}`);
  });
  await check('a wrong token is 401, one without the scope 403', async () => {
    for (const [token, status, code] of [['wrong', 401, 'unauthorized'], [task.reader, 403, 'forbidden']]) {
      const api = connect(token).getWriteApi('any', 'any', 'ns', { maxRetries: 0 });
      api.writeRecord('kinds f=1');
      const error = await failure(api.flush());
      want(error.statusCode === status && error.code === code, `${status}, got ${error}`);
    }
  });
  await check('ping, health and ready', async () => {
    await new PingAPI(influx).getPing();
    const health = await new HealthAPI(influx).getHealth();
    want(health.status === 'pass' && health.name === 'weir', `pass, got ${JSON.stringify(health)}`);
    want((await new ReadyAPI(influx).getReady()).status === 'ready', 'ready');
  });
  await check('buckets and Flux are not implemented, and say so', async () => {
    for (const promise of [new BucketsAPI(influx).getBuckets(), influx.getQueryApi('any').collectRows('buckets()')]) {
      const error = await failure(promise);
      want(error.statusCode === 501 && error.code === 'not implemented', `501, got ${error}`);
    }
  });
})();
