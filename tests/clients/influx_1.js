// npm influx, the client of InfluxDB 1.
'use strict';
const { InfluxDB, FieldType } = require('influx');
const { task, check, want, failure, time } = require('./checks');

const schema = [{ measurement: 'sorts', fields: { f: FieldType.FLOAT }, tags: [] }];
for (const unit of task.units)
  schema.push({ measurement: `${task.measurement}-${unit}`, tags: Object.keys(task.points[0].tags),
    fields: { f: FieldType.FLOAT, i: FieldType.INTEGER, b: FieldType.BOOLEAN, s: FieldType.STRING } });
const connect = (password, more) => new InfluxDB({ host: task.host, port: task.port, database: 'any', username: 'any', password, schema, ...more });
const influx = connect(task.writer);

(async () => {
  for (const unit of task.units)
    await check(`writes points in ${unit}`, async () => {
      const points = task.points.map(({ tags, fields, ns }) => ({ measurement: `${task.measurement}-${unit}`, tags, timestamp: time(ns, unit),
        fields: Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'u')) }));
      for (let at = 0; at < points.length; at += 100)
        await influx.writePoints(points.slice(at, at + 100), { precision: unit });
    });
  await check('ping tells that it is online, and the version', async () => {
    const [host] = await influx.ping(5000);
    want(host.online && host.version === task.version, `online and ${task.version}, got ${host.online} and ${host.version}`);
  });
  await check('databases are listed and made', async () => {
    want((await influx.getDatabaseNames()).includes('main'), 'main');
    await influx.createDatabase('another one');
  });
  await check('a refused point is an error with its reason', async () => {
    await influx.writePoints([{ measurement: 'sorts', fields: { f: 1 }, tags: {} }]);
    const other = connect(task.writer, { schema: [{ measurement: 'sorts', fields: { f: FieldType.STRING }, tags: [] }] });
    const error = await failure(other.writePoints([{ measurement: 'sorts', fields: { f: 'text' }, tags: {} }]));
    want(error.message.includes('partial write: line 1: field'), `the reason, got ${error.message}`);
  });
  await check('a wrong password and a token without the scope are errors', async () => {
    want((await failure(connect('wrong').writePoints([{ measurement: 'sorts', fields: { f: 1 }, tags: {} }]))).message.includes('token'), 'the token');
    want((await failure(connect(task.reader).writePoints([{ measurement: 'sorts', fields: { f: 1 }, tags: {} }]))).message.includes('needs a token with the scope'), 'the scope');
  });
  await check('a query is an error that says where to ask', async () => {
    want((await failure(influx.query('select * from sorts'))).message.includes('/v1/query'), '/v1/query');
  });
})();
