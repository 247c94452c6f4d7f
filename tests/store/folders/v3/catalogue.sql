BEGIN TRANSACTION;
CREATE TABLE api_keys (
	key_id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	revoked_at FLOAT, 
	PRIMARY KEY (key_id)
);
INSERT INTO "api_keys" VALUES('026da21d77c5','ann','026da21d77c587be4062af98cb046884ec7722d5b42e63e13a5e38e91a99d52c',1795447801.5,NULL);
CREATE TABLE channels (
	channel VARCHAR NOT NULL, 
	sequence INTEGER NOT NULL, 
	PRIMARY KEY (channel)
);
INSERT INTO "channels" VALUES('private-user-ann',1);
CREATE TABLE frontier (
	page_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	chunk INTEGER, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	tries INTEGER DEFAULT '0' NOT NULL, 
	not_before FLOAT, 
	holder VARCHAR, 
	lease_until FLOAT, 
	leases_lost INTEGER DEFAULT '0' NOT NULL, 
	source_run_id VARCHAR NOT NULL, 
	part VARCHAR, 
	fetched_at FLOAT, 
	status INTEGER, 
	errors INTEGER DEFAULT '0' NOT NULL, 
	warnings INTEGER DEFAULT '0' NOT NULL, 
	notices INTEGER DEFAULT '0' NOT NULL, 
	found_by VARCHAR DEFAULT 'list' NOT NULL, 
	depth INTEGER, 
	redirects BOOLEAN DEFAULT '0' NOT NULL, 
	location TEXT, 
	PRIMARY KEY (page_id, run_id)
)
 WITHOUT ROWID

;
INSERT INTO "frontier" VALUES('394bef02431e228b','20261123-153001-k3f9aa','http://[',2,NULL,'failed','bad-url',0,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-rejected-c625acf4b400',NULL,NULL,0,0,0,'list',NULL,0,NULL);
INSERT INTO "frontier" VALUES('8c71ef699d131bea','20261123-153001-k3f9aa','https://nowhere.invalid/',1,NULL,'failed','dns',2,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,NULL,0,0,0,'link',1,0,NULL);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153001-k3f9aa','https://e.com/tea',0,NULL,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,200,0,1,0,'start',0,0,NULL);
INSERT INTO "frontier" VALUES('a78443931c48657d','20261123-153105-m2xqbb','https://e.com/tea',0,0,'completed',NULL,1,NULL,NULL,NULL,0,'20261123-153001-k3f9aa','part-k-9a6513f84395',1795447801.25,200,0,1,0,'list',NULL,0,NULL);
CREATE TABLE host_holders (
	host VARCHAR NOT NULL, 
	holder VARCHAR NOT NULL, 
	wanted INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	expires_at FLOAT NOT NULL, 
	PRIMARY KEY (host, holder)
);
CREATE TABLE hosts (
	host VARCHAR NOT NULL, 
	next_departure FLOAT NOT NULL, 
	pause_until FLOAT NOT NULL, 
	crawl_delay FLOAT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (host)
);
INSERT INTO "hosts" VALUES('e.com:443',0.0,0.0,0.0);
CREATE TABLE leases (
	name VARCHAR NOT NULL, 
	holder VARCHAR NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE meta (
	store_id VARCHAR NOT NULL, 
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (store_id)
);
INSERT INTO "meta" VALUES('f199d0e80a1d2646',3);
CREATE TABLE model_answers (
	"key" VARCHAR NOT NULL, 
	holder VARCHAR NOT NULL, 
	until FLOAT NOT NULL, 
	text TEXT, 
	model VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "model_answers" VALUES('q','h',0.0,'{}','m',1795447801.5);
CREATE TABLE model_calls (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	page_id VARCHAR NOT NULL, 
	day VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	amount FLOAT NOT NULL, 
	cost FLOAT, 
	prompt_tokens INTEGER DEFAULT '0' NOT NULL, 
	completion_tokens INTEGER DEFAULT '0' NOT NULL, 
	outcome VARCHAR, 
	reserved_at FLOAT NOT NULL, 
	settled_at FLOAT, 
	PRIMARY KEY (id)
);
INSERT INTO "model_calls" VALUES(1,'q','20261123-153105-m2xqbb','a78443931c48657d','2026-11-23','m',0.5,0.25,100,20,'answered',1795447801.5,1795447801.5);
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	message TEXT NOT NULL, 
	type VARCHAR NOT NULL, 
	read BOOLEAN DEFAULT '0' NOT NULL, 
	created_at FLOAT NOT NULL, 
	run_id VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "notifications" VALUES(1,'k1','ann','Batch Complete','1 page','success',1,1795447801.5,'20261123-153105-m2xqbb');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	delivered_at FLOAT, state VARCHAR DEFAULT 'pending' NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL, not_before FLOAT, error TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "outbox" VALUES(1,'waits','notification/send','20261123-153105-m2xqbb','{"n": 1}',1795447801.5,NULL,'pending',1,1795447861.5,'not yet');
INSERT INTO "outbox" VALUES(2,'k1:push:0','push','20261123-153105-m2xqbb','{"id": 2, "sequence": 1, "channel": "private-user-ann", "event": "notification-received", "data": {"n": 2}}',1795447801.5,NULL,'pending',0,NULL,NULL);
CREATE TABLE pages (
	page_id VARCHAR NOT NULL, 
	project_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	url_key VARCHAR NOT NULL, 
	last_run_id VARCHAR NOT NULL, 
	last_fetched_at FLOAT, 
	last_status INTEGER, 
	recipe VARCHAR NOT NULL, 
	etag TEXT, 
	last_modified TEXT, 
	content_hash VARCHAR, 
	PRIMARY KEY (page_id)
);
INSERT INTO "pages" VALUES('a78443931c48657d','default','https://e.com/tea','8acb4d7baab336ba','20261123-153001-k3f9aa',1795447801.25,200,'r1','"v1"',NULL,'0123456789abcdef');
INSERT INTO "pages" VALUES('8c71ef699d131bea','default','https://nowhere.invalid/','859a4960a54ee79d','20261123-153001-k3f9aa',1795447801.25,NULL,'r1',NULL,NULL,NULL);
INSERT INTO "pages" VALUES('f910f5446caa19e2','shop','https://e.com/new','fe1865d40118f408','',NULL,NULL,'',NULL,NULL,NULL);
CREATE TABLE parts (
	table_name VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	live BOOLEAN NOT NULL, 
	created_at FLOAT NOT NULL, 
	step VARCHAR, 
	PRIMARY KEY (table_name, run_id, name)
);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-rejected-c625acf4b400','facts/pages/20261123-153001-k3f9aa/part-rejected-c625acf4b400.parquet',1,21086,2,1,1.7954538200913915634e+09,NULL);
INSERT INTO "parts" VALUES('pages','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/pages/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,26193,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('links','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/links/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,3984,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('images','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/images/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,3852,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('structured_data','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/structured_data/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,3350,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('redirects','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/redirects/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,2935,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('issues','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/issues/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,4506,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('results','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/results/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',2,2626,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('html','20261123-153001-k3f9aa','part-k-9a6513f84395','facts/html/20261123-153001-k3f9aa/part-k-9a6513f84395.parquet',1,2255,2,1,1.79545382013677787781e+09,NULL);
INSERT INTO "parts" VALUES('graph','20261123-153001-k3f9aa','part-graph-71199a91295f','facts/graph/20261123-153001-k3f9aa/part-graph-71199a91295f.parquet',1,3348,2,1,1.79545382014676260947e+09,'graph');
INSERT INTO "parts" VALUES('robots','20261123-153001-k3f9aa','part-robots-33301800b4eb','facts/robots/20261123-153001-k3f9aa/part-robots-33301800b4eb.parquet',1,3617,2,1,1795453820.15454,'robots');
INSERT INTO "parts" VALUES('targets','20261123-153001-k3f9aa','part-check-ffc77f959148','facts/targets/20261123-153001-k3f9aa/part-check-ffc77f959148.parquet',1,3472,2,1,1.79545382016132116318e+09,'check');
INSERT INTO "parts" VALUES('linked','20261123-153105-m2xqbb','part-linked-660e80f8c249','facts/linked/20261123-153105-m2xqbb/part-linked-660e80f8c249.parquet',1,1657,2,1,1.79545382017363309859e+09,NULL);
CREATE TABLE projects (
	project_id VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, owner VARCHAR DEFAULT 'local' NOT NULL, site VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (project_id)
);
INSERT INTO "projects" VALUES('default',1.79545382007713341708e+09,'local','');
INSERT INTO "projects" VALUES('shop',1795447801.5,'ann','https://e.com/');
CREATE TABLE prompt_templates (
	version INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	active BOOLEAN NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "prompt_templates" VALUES(1,'default','Advise on {findings}',0,1795447801.5);
INSERT INTO "prompt_templates" VALUES(2,'short','{findings}',1,1795447801.5);
CREATE TABLE recommendations (
	id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	page_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	title VARCHAR NOT NULL, 
	description TEXT NOT NULL, 
	priority VARCHAR NOT NULL, 
	category VARCHAR NOT NULL, 
	findings TEXT NOT NULL, 
	rules TEXT NOT NULL, 
	proposed_title TEXT NOT NULL, 
	proposed_description TEXT NOT NULL, 
	proposed_json_ld TEXT NOT NULL, 
	source VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	template_version INTEGER, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "recommendations" VALUES(1,'20261123-153105-m2xqbb','a78443931c48657d','https://e.com/tea','Write a longer title','It says little.','high','title','["00112233445566aa"]','["title-too-short"]','Green tea','','','llm','m',2,1795447801.5);
CREATE TABLE requests (
	request_id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	claimed_at FLOAT NOT NULL, flow VARCHAR DEFAULT '' NOT NULL, user_id VARCHAR DEFAULT '' NOT NULL, payload TEXT DEFAULT '{}' NOT NULL, origin VARCHAR DEFAULT 'local' NOT NULL, flow_run_id VARCHAR, confirmed_at FLOAT, begun_at FLOAT, 
	PRIMARY KEY (request_id)
);
INSERT INTO "requests" VALUES('e1','20261123-153105-m2xqbb',1795447801.5,'batch-scan','ann','{"event": "project/batch.scan"}','api','f1',1795447801.5,1795447801.5);
INSERT INTO "requests" VALUES('e2','run-waits',1795447801.5,'scan-page','ann','{}','webhook',NULL,NULL,NULL);
CREATE TABLE robots (
	origin VARCHAR NOT NULL, 
	status INTEGER, 
	reason VARCHAR, 
	body BLOB NOT NULL, 
	crawl_delay FLOAT, 
	fetched_at FLOAT NOT NULL, 
	PRIMARY KEY (origin)
);
INSERT INTO "robots" VALUES('https://e.com:443',404,NULL,X'',NULL,1795447801.25);
CREATE TABLE runs (
	run_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	project_id VARCHAR NOT NULL, 
	user_id VARCHAR NOT NULL, 
	batch_id VARCHAR NOT NULL, 
	recipe VARCHAR NOT NULL, 
	epoch INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	stop_requested BOOLEAN NOT NULL, 
	options TEXT NOT NULL, 
	total INTEGER DEFAULT '0' NOT NULL, 
	linked INTEGER DEFAULT '0' NOT NULL, 
	errors INTEGER DEFAULT '0' NOT NULL, 
	warnings INTEGER DEFAULT '0' NOT NULL, 
	notices INTEGER DEFAULT '0' NOT NULL, 
	started_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	first_request_at FLOAT, 
	last_commit_at FLOAT, 
	fetched_before INTEGER DEFAULT '0' NOT NULL, 
	pages_per_second FLOAT, 
	incomplete BOOLEAN NOT NULL, 
	incomplete_reason TEXT, 
	error TEXT, 
	prefect_flow_run_id VARCHAR, 
	parent_pid INTEGER, 
	start_url TEXT, 
	scope VARCHAR, 
	limits TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('20261123-153001-k3f9aa','crawl','default','local','','r1',1,'completed',0,'{}',3,0,0,1,0,1.79545382007713341708e+09,1.79545382016606068606e+09,NULL,1.79545382013677787781e+09,0,NULL,0,NULL,NULL,NULL,NULL,'https://e.com/tea','host','{"max_pages": 100, "max_depth": null}');
INSERT INTO "runs" VALUES('20261123-153105-m2xqbb','batch','default','local','','r1',1,'completed',0,'{}',1,1,0,1,0,1.79545382017093634605e+09,1.795453820185500145e+09,NULL,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'{"max_pages": null, "max_depth": null}');
CREATE INDEX ix_runs_batch_id ON runs (batch_id);
CREATE INDEX frontier_order ON frontier (run_id, position);
CREATE INDEX frontier_states ON frontier (run_id, state, reason);
CREATE INDEX frontier_work ON frontier (run_id, chunk, state, depth, position);
CREATE INDEX host_holders_holder ON host_holders (holder);
CREATE INDEX outbox_work ON outbox (state, id);
CREATE INDEX requests_waiting ON requests (user_id, begun_at, claimed_at);
CREATE INDEX requests_unconfirmed ON requests (confirmed_at, claimed_at);
CREATE INDEX notifications_of_user ON notifications (user_id, id);
CREATE INDEX recommendations_of_run ON recommendations (run_id);
CREATE INDEX recommendations_of_page ON recommendations (page_id, run_id);
CREATE UNIQUE INDEX prompt_templates_active ON prompt_templates (active) WHERE active;
CREATE INDEX model_calls_of_run ON model_calls (run_id, cost, amount);
CREATE INDEX model_calls_of_day ON model_calls (day, cost, amount);
CREATE INDEX ix_api_keys_user_id ON api_keys (user_id);
COMMIT;
