BEGIN TRANSACTION;
CREATE TABLE body (id INTEGER PRIMARY KEY, data TEXT NOT NULL);
INSERT INTO "body" VALUES(1,'{"number":0}');
INSERT INTO "body" VALUES(2,'{"number":1}');
INSERT INTO "body" VALUES(3,'{"number":2}');
CREATE TABLE event (
    id INTEGER PRIMARY KEY, service_time INTEGER NOT NULL, real_time INTEGER NOT NULL,
    pool TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
);
INSERT INTO "event" VALUES(1,1767000000000,1767000000000,'id-of-ContosoMHSM','conflict','{"object": "key-0"}');
CREATE TABLE fault (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE material (
    pool TEXT NOT NULL, version TEXT NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (pool, version)
) WITHOUT ROWID;
INSERT INTO "material" VALUES('id-of-ContosoMHSM','v0',X'00FF77726170706564');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('clock','{"base_real":1767000000000,"base_service":1767000000000,"highest":1767000000000,"mode":"manual","scale":1.0}');
INSERT INTO "meta" VALUES('settings','{"profile": "quick"}');
CREATE TABLE operation (id TEXT PRIMARY KEY, pool TEXT NOT NULL, record TEXT NOT NULL);
INSERT INTO "operation" VALUES('operation-of-contosomhsm','id-of-ContosoMHSM','{"accepted":1767000000000,"answers_pool":true,"done":1767000001000,"failure":null,"id":"operation-of-ContosoMHSM","kind":"create","location":"uksouth","pool":"id-of-ContosoMHSM","result":""}');
CREATE TABLE pool (
    id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, revision INTEGER NOT NULL, record TEXT NOT NULL
);
INSERT INTO "pool" VALUES('id-of-ContosoMHSM','ContosoMHSM',1,'{"activated":null,"administrators":["owner"],"backup":null,"created":1767000000000,"created_by":"owner","created_by_type":"User","deletion":null,"former":[],"group":"default","id":"id-of-ContosoMHSM","identity":{"principal":"","users":[]},"links":[],"location":"uksouth","modified":1767000000000,"modified_by":"owner","modified_by_type":"User","name":"ContosoMHSM","network_acls":{"bypass":"AzureServices","default_action":"Allow","ip_rules":[],"virtual_network_rules":[]},"operation":{"accepted":1767000000000,"answers_pool":true,"done":1767000001000,"failure":null,"id":"operation-of-ContosoMHSM","kind":"create","location":"uksouth","pool":"id-of-ContosoMHSM","result":""},"public_network_access":"Enabled","purge_protection":false,"regions":[{"accepted":1767000000000,"failed":false,"gone":null,"is_primary":true,"name":"uksouth","partitions":[{"fault_domain":0,"number":0},{"fault_domain":1,"number":1},{"fault_domain":2,"number":2}],"ready":1767000001000,"removing":null}],"restore":null,"retention_days":90,"revision":1,"rotation_due":null,"sku":"Standard_B1","spans":[{"end":null,"pool":"ContosoMHSM","region":"uksouth","sku":"Standard_B1","start":1767000000000}],"subscription":"sub","tags":{},"tenant":"tenant"}');
CREATE TABLE row (
    pool TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    version TEXT NOT NULL, hlc INTEGER NOT NULL, origin TEXT NOT NULL,
    accepted INTEGER NOT NULL, lag INTEGER NOT NULL, visible_from INTEGER NOT NULL,
    tombstone INTEGER NOT NULL, body INTEGER NOT NULL REFERENCES body (id), via TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (pool, region, kind, name, version, hlc, origin)
) WITHOUT ROWID;
INSERT INTO "row" VALUES('id-of-ContosoMHSM','australiaeast','key_version','key-0','v0',1767000000000,'uksouth',1767000000000,0,1767000000000,0,1,'');
INSERT INTO "row" VALUES('id-of-ContosoMHSM','australiaeast','key_version','key-1','v1',1767000000001,'uksouth',1767000000000,0,1767000000000,0,2,'');
INSERT INTO "row" VALUES('id-of-ContosoMHSM','australiaeast','key_version','key-2','v2',1767000000002,'uksouth',1767000000000,0,1767000000000,0,3,'');
INSERT INTO "row" VALUES('id-of-ContosoMHSM','uksouth','key_version','key-0','v0',1767000000000,'uksouth',1767000000000,0,1767000000000,0,1,'');
INSERT INTO "row" VALUES('id-of-ContosoMHSM','uksouth','key_version','key-1','v1',1767000000001,'uksouth',1767000000000,0,1767000000000,0,2,'');
INSERT INTO "row" VALUES('id-of-ContosoMHSM','uksouth','key_version','key-2','v2',1767000000002,'uksouth',1767000000000,0,1767000000000,0,3,'');
CREATE INDEX pool_by_name ON pool (name);
CREATE INDEX row_by_stamp ON row (pool, region, hlc);
CREATE INDEX row_by_arrival ON row (pool, origin, visible_from);
COMMIT;
PRAGMA user_version = 3;
