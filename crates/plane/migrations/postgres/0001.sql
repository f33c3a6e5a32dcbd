-- Texts in keys are ordered byte by byte, as on the other engine.
CREATE TABLE tenant (tenant BIGINT PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, opened_at BIGINT NOT NULL,
  retired BIGINT NOT NULL, clock_ahead BIGINT NOT NULL, link_pay_ins BIGINT NOT NULL, weather TEXT NOT NULL,
  sum BIGINT NOT NULL);
CREATE TABLE tenant_id (id TEXT COLLATE "C" PRIMARY KEY, tenant BIGINT NOT NULL, keys BIGINT NOT NULL,
  sum BIGINT NOT NULL);
CREATE TABLE key (id TEXT COLLATE "C" PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  mac BYTEA NOT NULL, active BIGINT NOT NULL, revoked_at BIGINT, limits TEXT NOT NULL, created_at BIGINT NOT NULL,
  last_used_at BIGINT, rotated_under TEXT, sum BIGINT NOT NULL);
CREATE INDEX key_by_owner ON key (owner);
CREATE TABLE account (tenant BIGINT NOT NULL, name BIGINT NOT NULL, asset TEXT NOT NULL, decimals BIGINT NOT NULL,
  normal BIGINT NOT NULL, overdraft NUMERIC(39,0) NOT NULL, debits_posted NUMERIC(39,0) NOT NULL,
  credits_posted NUMERIC(39,0) NOT NULL, debits_held NUMERIC(39,0) NOT NULL, credits_held NUMERIC(39,0) NOT NULL,
  sum BIGINT NOT NULL, PRIMARY KEY (tenant, name)) WITH (fillfactor = 70);
CREATE TABLE transfer (tenant BIGINT NOT NULL, seq BIGINT NOT NULL, state BIGINT NOT NULL, substate BIGINT NOT NULL,
  due_at BIGINT NOT NULL, accepted_at BIGINT NOT NULL, changed_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL, amount NUMERIC(39,0) NOT NULL, script BIGINT NOT NULL, spender TEXT, trans TEXT, sum_prov TEXT,
  note TEXT, sum BIGINT NOT NULL, PRIMARY KEY (tenant, seq)) WITH (fillfactor = 70);
CREATE TABLE subject (tenant BIGINT NOT NULL, phone TEXT COLLATE "C" NOT NULL, verified BIGINT NOT NULL, dollars BIGINT,
  changed_at BIGINT NOT NULL, source TEXT NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (tenant, phone));
CREATE TABLE spend_window (tenant BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, total NUMERIC(39,0) NOT NULL,
  tail BIGINT NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (tenant, name)) WITH (fillfactor = 70);
CREATE TABLE spend (tenant BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, amount NUMERIC(39,0) NOT NULL,
  sum BIGINT NOT NULL, PRIMARY KEY (tenant, name, at));
CREATE TABLE due (tenant BIGINT NOT NULL, with_rail BIGINT NOT NULL, at BIGINT NOT NULL, seq BIGINT NOT NULL,
  state BIGINT NOT NULL, substate BIGINT NOT NULL, attempts BIGINT NOT NULL, script BIGINT NOT NULL,
  sum BIGINT NOT NULL, PRIMARY KEY (tenant, with_rail, at, seq));
CREATE TABLE process (id TEXT COLLATE "C" PRIMARY KEY, seen BIGINT NOT NULL, beat BIGINT NOT NULL, sum BIGINT NOT NULL);
CREATE TABLE change (name TEXT COLLATE "C" PRIMARY KEY, number BIGINT NOT NULL, sum BIGINT NOT NULL);
CREATE TABLE lease (name TEXT COLLATE "C" PRIMARY KEY, holder TEXT NOT NULL, epoch BIGINT NOT NULL,
  beat BIGINT NOT NULL, sum BIGINT NOT NULL);
CREATE TABLE standing (id TEXT COLLATE "C" PRIMARY KEY, body TEXT NOT NULL, sum BIGINT NOT NULL);
CREATE TABLE wish (owner TEXT COLLATE "C" NOT NULL, id TEXT COLLATE "C" NOT NULL, body TEXT NOT NULL, sum BIGINT NOT NULL,
  PRIMARY KEY (owner, id));
CREATE TABLE usage (tenant BIGINT NOT NULL, month BIGINT NOT NULL, meter TEXT COLLATE "C" NOT NULL, count BIGINT NOT NULL,
  sum BIGINT NOT NULL, PRIMARY KEY (tenant, month, meter)) WITH (fillfactor = 70);
CREATE TABLE deed (id TEXT COLLATE "C" PRIMARY KEY, deeds BIGINT NOT NULL, sum BIGINT NOT NULL);
