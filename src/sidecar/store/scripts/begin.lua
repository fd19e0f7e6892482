-- Reads the head of the store, and makes it where there is none. Begins every other script.
--
-- A line is of one history only: the head remembers which replication history it was written in,
-- and a server with another one (restarted, or promoted, perhaps without the latest writes) begins
-- a new line. A head that is lost takes its line with it. So does one that went back: `seen` is
-- the number that the caller has seen in line `of`, if any.
--
-- Every script reads all its keys before it writes: what fails has done nothing.
local function history()
  local info = redis.call('INFO', 'replication')
  local replicas = select(2, string.gsub(info, 'state=online', ''))
  return string.match(info, 'master_replid:(%x+)'), replicas
end

local function begin(head, fresh_line, of, seen)
  local known = redis.call('HMGET', head, 'line', 'seq', 'history')
  local line, seq, now = known[1], tonumber(known[2] or 0), history()
  if not line or known[3] ~= now or (of == line and seq < tonumber(seen)) then
    line = fresh_line
    redis.call('HSET', head, 'line', line, 'seq', string.format('%d', seq), 'history', now)
  end
  return line
end
