-- JobObject 01b8dac5-efb0-75a1-bfa7-d2720149746b
-- written: 1893456021450
-- alarm: 1893456015280
CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
INSERT INTO job (id, spec, row, input_bytes) VALUES (1, '{"id":"01b8dac5-efb0-75a1-bfa7-d2720149746b","createdAt":1893456015280,"submittedBy":"alice","cluster":"default","request":{"inputPath":"http://store/input/","inputType":"file/txt","outputPath":"http://store/out","useSSL":false,"mapperName":"mapper","reducerName":"reducer","nReducers":2,"splitSize":100,"combineInputs":false,"maxAttempts":2,"maxFailedMapsPercent":50,"speculation":true,"taskTimeoutSeconds":600},"credentialSecrets":[],"programs":{"mapper":{"name":"mapper","type":"executable","size":23,"hash":"c2b3d70cd85464b945af475aabc3fd534e5a3be58229652dc656e994172301d9","key":"00000000-0000-4000-8000-000000000001"},"reducer":{"name":"reducer","type":"executable","size":24,"hash":"0572c0f527b9a9b56d30ce3990d7a8acea08182e8512278af5cf1eddcb24f64e","key":"00000000-0000-4000-8000-000000000002"}}}', '{"id":"01b8dac5-efb0-75a1-bfa7-d2720149746b","status":"mapping","mapOnly":false,"nReducers":2,"parallelism":null,"maxAttempts":2,"maxFailedMapsPercent":50,"speculation":true,"maps":{"total":5,"running":1,"completed":1,"failed":1},"reduces":{"total":2,"running":0,"completed":0,"failed":0},"commits":{"total":0,"completed":0},"created":{"reduces":false,"commits":false},"open":1,"touched":true,"clean":"unneeded","released":false,"endedAt":null,"error":null,"counters":{"builtin":{},"user":{}},"failedMaps":[1],"pace":{"map":{"attempts":1,"ms":2000},"reduce":{"attempts":0,"ms":0}},"alike":{"failure":"map ProgramFailed the program ended with exit code #","tasks":[1,2]}}', 450);
CREATE TABLE secret (sealed TEXT NOT NULL);
INSERT INTO secret (sealed) VALUES ('5611c630d558ac6e./GToDTQDqNbUpI8HKzN5wzm4QMXjCBnxANsUkMew0wOP/6zPanNVy94oWIC6mqDOjgTd+2tYIFYeThHFoiG1Xpj7yvw+YGDH9bdxzQ5Yq2wyefo8opuGmXrXu7IOym1ZDTgw5uakMsCpMxIp/eIVk60/M7Jq3agD7gO0QkUmDqxqNqK4QT0VkeXJRNCM1A==');
CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
INSERT INTO condition (type, message, since, launcher) VALUES ('Unschedulable', '0/3 nodes are available: 3 Insufficient memory.', 1893456018380, 1);
CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('plan', 0, 'completed', 0, '01b8dac5-efb0-75a1-bfa7-d2720149746b-p-0-1', '{"kind":"plan","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-efb0-75a1-bfa7-d2720149746b-p-0-1","notBefore":0,"startedAt":1893456015280,"endedAt":1893456015280,"podName":"pod-runner-1","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 0, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 0, 'completed', 0, '01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1', '{"kind":"map","index":0,"status":"completed","attempts":1,"failures":0,"losses":0,"live":0,"winner":"01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1","notBefore":0,"startedAt":1893456015280,"endedAt":1893456017280,"podName":"pod-runner-1","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 100, '{"path":"http://store/shuffle/01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1","largestBlock":20}', X'00000000000000004024000000000000403e000000000000');
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 1, 'failed', 1893456017780, NULL, '{"kind":"map","index":1,"status":"failed","attempts":2,"failures":2,"losses":0,"live":0,"winner":null,"notBefore":1893456017780,"startedAt":1893456018280,"endedAt":1893456018280,"podName":"pod-runner-1","message":"","error":{"code":"ProgramFailed","message":"the program ended with exit code 1","taskId":"01b8dac5-efb0-75a1-bfa7-d2720149746b-m-1"},"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 2, 'scheduled', 1893456018780, NULL, '{"kind":"map","index":2,"status":"scheduled","attempts":2,"failures":1,"losses":1,"live":0,"winner":null,"notBefore":1893456018780,"startedAt":1893456018280,"endedAt":null,"podName":"pod-runner-1","message":"","error":{"code":"ProgramFailed","message":"the program ended with exit code 1","taskId":"01b8dac5-efb0-75a1-bfa7-d2720149746b-m-2"},"lost":null,"counters":{"builtin":{},"user":{}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 3, 'in-progress', 1893456018280, NULL, '{"kind":"map","index":3,"status":"in-progress","attempts":2,"failures":0,"losses":1,"live":1,"winner":null,"notBefore":1893456018280,"startedAt":1893456018380,"endedAt":null,"podName":"pod-runner-2","message":"half way","error":{"code":"AttemptLost","message":"its pod was evicted","taskId":"01b8dac5-efb0-75a1-bfa7-d2720149746b-m-3"},"lost":"01b8dac5-efb0-75a1-bfa7-d2720149746b-m-3-1","counters":{"builtin":{"mapInputRecords":3},"user":{"group":{"counter":1}}}}', 100, NULL, NULL);
INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes, output, segments) VALUES ('map', 4, 'scheduled', 0, NULL, '{"kind":"map","index":4,"status":"scheduled","attempts":0,"failures":0,"losses":0,"live":0,"winner":null,"notBefore":0,"startedAt":1893456015280,"endedAt":null,"podName":"","message":"","error":null,"lost":null,"counters":{"builtin":{},"user":{}}}', 50, NULL, NULL);
CREATE INDEX task_queue ON task (kind, status, idx);
CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
INSERT INTO input (map, count, ranges) VALUES (0, 1, '[{"path":"http://store/input/0","size":100,"etag":"\"0\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (1, 1, '[{"path":"http://store/input/1","size":100,"etag":"\"1\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (2, 1, '[{"path":"http://store/input/2","size":100,"etag":"\"2\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (3, 1, '[{"path":"http://store/input/3","size":100,"etag":"\"3\"","start":0,"end":100}]');
INSERT INTO input (map, count, ranges) VALUES (4, 1, '[{"path":"http://store/input/4","size":50,"etag":"\"4\"","start":0,"end":50}]');
CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1', 'map', 0, 'runner-1', 'won', 1893456015280, 1893456045280, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-1-1', 'map', 1, 'runner-1', 'ended', 1893456017280, 1893456047280, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-1-2', 'map', 1, 'runner-1', 'ended', 1893456018280, 1893456048280, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-2-1', 'map', 2, 'runner-1', 'ended', 1893456017280, 1893456047280, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-2-2', 'map', 2, 'runner-1', 'ended', 1893456018280, 1893456048280, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-3-1', 'map', 3, 'runner-1', 'ended', 1893456018280, 1893456048280, 0);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-m-3-2', 'map', 3, 'runner-2', 'live', 1893456018380, 1893456048380, 1);
INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES ('01b8dac5-efb0-75a1-bfa7-d2720149746b-p-0-1', 'plan', 0, 'runner-1', 'won', 1893456015280, 1893456045280, 1);
CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
INSERT INTO upload (id, attempt, path, upload_id, handed_to) VALUES (1, '01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1', 'http://store/out/.edgefold/01b8dac5-efb0-75a1-bfa7-d2720149746b/m-0', 'upload-01b8dac5-efb0-75a1-bfa7-d2720149746b-m-0-1', NULL);
CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
INSERT INTO outbox (target, version, due, tries) VALUES ('cluster', 2, NULL, 0);
INSERT INTO outbox (target, version, due, tries) VALUES ('registry', 4, NULL, 0);
CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
