-- Reads the head of the store, and makes it where there is none. Begins every other script.
--
-- A lineage is of one history only: the head remembers which replication history it was written in,
-- and a server with another one (restarted, or promoted, perhaps without the latest writes) begins
-- a new lineage. A head that is lost takes its lineage with it. So does one that went back: `seen` is
-- the number that the caller has seen in lineage `of`, if any.
--
-- Every script reads all its keys before it writes: what fails has done nothing.
local function history()
  local info = redis.call('INFO', 'replication')
  local replicas = select(2, string.gsub(info, 'state=online', ''))
  return string.match(info, 'master_replid:(%x+)'), replicas
end

local function begin(head, fresh_lineage, of, seen)
  local known = redis.call('HMGET', head, 'lineage', 'seq', 'history')
  local lineage, seq, now = known[1], tonumber(known[2] or 0), history()
  if not lineage or known[3] ~= now or (of == lineage and seq < tonumber(seen)) then
    lineage = fresh_lineage
    redis.call('HSET', head, 'lineage', lineage, 'seq', string.format('%d', seq), 'history', now)
  end
  return lineage
end
