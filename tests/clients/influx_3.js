// npm @influxdata/influxdb3-client, the client of InfluxDB 3: it writes to /api/v2/write, and with noSync to /api/v3/write_lp.
'use strict';
const { InfluxDBClient, Point, HttpError, setLogger } = require('@influxdata/influxdb3-client');
const { task, check, want, failure, time } = require('./checks');

setLogger({ error() {}, warn() {} });
const KINDS = { f: 'float', i: 'integer', b: 'boolean', s: 'string' };
const connect = token => new InfluxDBClient({ host: task.url, token, database: 'any' });
const client = connect(task.writer);

(async () => {
  for (const [index, unit] of task.units.entries())
    await check(`writes points in ${unit}`, async () => {
      const points = task.points.map(({ tags, fields, ns }) => {
        const point = Point.measurement(`${task.measurement}-${unit}`).setTimestamp(time(ns, unit));
        for (const [name, value] of Object.entries(tags)) point.setTag(name, value);
        for (const [name, value] of Object.entries(fields)) if (KINDS[name]) point.setField(name, value, KINDS[name]);
        return point;
      });
      // Line protocol, since its points print nanoseconds alone.
      const lines = points.map(point => point.toLineProtocol(time => time));
      await client.write(lines.slice(0, 150), undefined, undefined, { precision: unit, gzipThreshold: 0, noSync: true });
      await client.write(lines.slice(150), undefined, 'any', { precision: unit, noSync: index % 2 === 0 });
    });
  await check('a bad line is an HttpError with its line and reason', async () => {
    const error = await failure(client.write(['kinds f=1 1', 'kinds f=oops 2'], undefined, undefined, { noSync: true }));
    want(error instanceof HttpError && error.statusCode === 400, `HttpError 400, got ${error}`);
    want(error.message.startsWith('partial write of line protocol occurred') && error.message.includes('line 2: column 9: field "f": oops'),
      `the reason, got ${error.message}`);
  });
  await check('a wrong token is 401, one without the scope 403', async () => {
    for (const [token, status] of [['wrong', 401], [task.reader, 403]]) {
      const error = await failure(connect(token).write('kinds f=1', undefined, undefined, { noSync: true }));
      want(error.statusCode === status && error.message.includes('token'), `${status}, got ${error}`);
    }
  });
  await check('the version', async () => {
    want(await client.getServerVersion() === task.version, task.version);
  });
  await client.close();
})();
