-- ClusterObject default
-- written: 1893456020450
-- alarm: none
CREATE TABLE wanted_job (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL, wanted TEXT NOT NULL);
INSERT INTO wanted_job (seq, job, wanted) VALUES (10, '01b8dac5-d020-7258-b6c9-6276c1cb6c8d', '{"jobId":"01b8dac5-d020-7258-b6c9-6276c1cb6c8d","version":3,"runners":1,"token":"01b8dac5-d020-7258-b6c9-6276c1cb6c8d.1925164808.nGu2kKbdnmA-Hj76lZ1P2453ZH_htNbzu6d4qbnXgkE","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (13, '01b8dac5-d818-7410-9766-600759a94fbe', '{"jobId":"01b8dac5-d818-7410-9766-600759a94fbe","version":3,"runners":1,"token":"01b8dac5-d818-7410-9766-600759a94fbe.1925164810.EixZFUsGXH44f0IdkXb5mN5pqzQkGxdKqWeInGL0zUY","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (16, '01b8dac5-e024-7674-9635-b159210738df', '{"jobId":"01b8dac5-e024-7674-9635-b159210738df","version":3,"runners":2,"token":"01b8dac5-e024-7674-9635-b159210738df.1925164812.XRMmIadNyjQvDtfx626NGRsipIRRknp1AHh3wmAxehU","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (19, '01b8dac5-ebf0-7713-bf99-64c817fd7019', '{"jobId":"01b8dac5-ebf0-7713-bf99-64c817fd7019","version":2,"runners":5,"token":"01b8dac5-ebf0-7713-bf99-64c817fd7019.1925164815.j33ZSDOFFCYs4dVHI8HT8K8LxMekILb2WHtm31gKkuc","pods":{"credentialSecrets":[]}}');
INSERT INTO wanted_job (seq, job, wanted) VALUES (21, '01b8dac5-fc08-7634-a93c-ad5b950750f5', '{"jobId":"01b8dac5-fc08-7634-a93c-ad5b950750f5","version":1,"runners":1,"token":"01b8dac5-fc08-7634-a93c-ad5b950750f5.1925164819.2MLcHlwbzwR8m0zENxGZhUahwpNKlrM1eDKfwAlNaQA","pods":{"credentialSecrets":[]}}');
CREATE TABLE removal (job TEXT PRIMARY KEY);
INSERT INTO removal (job) VALUES ('01b8dac5-bc20-7007-9e4f-7b189c1ffd0e');
CREATE TABLE cluster (id INTEGER PRIMARY KEY CHECK (id = 1), cluster_id TEXT, absent_since INTEGER);
INSERT INTO cluster (id, cluster_id, absent_since) VALUES (1, 'cluster-uid', 1893456000000);
CREATE TABLE agent (id INTEGER PRIMARY KEY CHECK (id = 1), hello TEXT, contact INTEGER, problem TEXT);
INSERT INTO agent (id, hello, contact, problem) VALUES (1, '{"kind":"hello","id":1,"version":3,"release":"0.1.0","clusterId":"cluster-uid","launcher":"kubernetes","capacity":50}', 1893456000000, NULL);
