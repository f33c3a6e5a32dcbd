-- The yardstick of `counterfoil bench --store`: what a good PostgreSQL programmer would write for an accepted transfer, one
-- function called once. It keeps the facts that our own transfer keeps: a claim with its saved answer, two accounts under
-- lock, the balance with holds and overdraft, the transfer, its postings, its event in an outbox, and one gapless order per
-- tenant. It keeps less than we do where that is dearer: amounts are 64 bits, no row has a checksum, no receiver's limit and
-- no key's policy is read, and nothing moves the transfer on afterwards. Give it `tenants`.

CREATE TABLE head (tenant INT PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL) WITH (fillfactor = 70);
-- Account 1 is the agent's, which pays; 2 is the rail's.
CREATE TABLE account (tenant INT NOT NULL, name SMALLINT NOT NULL, overdraft BIGINT NOT NULL,
  debits_posted BIGINT NOT NULL, credits_posted BIGINT NOT NULL, debits_held BIGINT NOT NULL, credits_held BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)) WITH (fillfactor = 70);
CREATE TABLE claim (tenant INT NOT NULL, key TEXT NOT NULL, fingerprint BIGINT NOT NULL, answer TEXT NOT NULL,
  PRIMARY KEY (tenant, key));
CREATE TABLE transfer (tenant INT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, state SMALLINT NOT NULL,
  amount BIGINT NOT NULL, receiver TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (tenant, seq));
CREATE TABLE posting (tenant INT NOT NULL, seq BIGINT NOT NULL, account SMALLINT NOT NULL, side SMALLINT NOT NULL,
  phase SMALLINT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (tenant, seq, account));
-- The event is the transfer of the same number: a copy of its facts would only cost.
CREATE TABLE outbox (tenant INT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (tenant, seq));

-- The answer, kept with the claim; the same key and content get it again. A refusal answers `"success":false` and leaves
-- nothing, so that its key may be used again.
CREATE FUNCTION transfer(p_tenant INT, p_key TEXT, p_fingerprint BIGINT, p_receiver TEXT, p_amount BIGINT, p_facts TEXT)
RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  v_seq BIGINT;
  v_at BIGINT := (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT;
  v_answer TEXT := '{"payment_response":{"payment_id":null,"state":"-2","substate":"0","code":"0","id":"' || p_key
    || '"},"error":"","success":true}';
  v_before BIGINT;
BEGIN
  -- Of two calls with one key, the second waits here until the first has ended.
  INSERT INTO claim VALUES (p_tenant, p_key, p_fingerprint, v_answer) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT fingerprint, answer INTO v_before, v_answer FROM claim WHERE tenant = p_tenant AND key = p_key;
    IF v_before IS DISTINCT FROM p_fingerprint THEN
      RETURN '{"error":"used with other content","success":false}';
    END IF;
    RETURN v_answer;
  END IF;

  -- A queue in front of the tenant's rows. It is right without this line, and with many clients on one tenant half as
  -- fast: those who wait for a row all wake when it changes, those who wait here wake one by one.
  PERFORM pg_advisory_xact_lock(p_tenant);
  -- Locks in one order: agent, rail, head. An UPDATE takes the lock that SELECT … FOR UPDATE would, in one statement less.
  UPDATE account SET debits_held = debits_held + p_amount
    WHERE tenant = p_tenant AND name = 1 AND p_amount > 0
      AND credits_posted - debits_posted - debits_held - p_amount + overdraft >= 0;
  IF NOT FOUND THEN
    DELETE FROM claim WHERE tenant = p_tenant AND key = p_key;
    RETURN '{"error":"insufficient funds","success":false}';
  END IF;
  UPDATE account SET credits_held = credits_held + p_amount WHERE tenant = p_tenant AND name = 2;
  UPDATE head SET seq = seq + 1, at = v_at WHERE tenant = p_tenant RETURNING seq INTO v_seq;

  INSERT INTO transfer VALUES (p_tenant, v_seq, v_at, 10, p_amount, p_receiver, p_facts);
  INSERT INTO posting VALUES (p_tenant, v_seq, 1, 1, 1, p_amount), (p_tenant, v_seq, 2, 2, 1, p_amount);
  INSERT INTO outbox VALUES (p_tenant, v_seq, 'transfer_accepted');
  RETURN v_answer;
END $$;

INSERT INTO head SELECT n, 0, 0 FROM generate_series(1, :tenants) n;
INSERT INTO account SELECT n, name, 0, 0, CASE name WHEN 1 THEN 1000000000000000 ELSE 0 END, 0, 0
  FROM generate_series(1, :tenants) n, (VALUES (1), (2)) accounts(name);
