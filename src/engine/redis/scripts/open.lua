-- Reads a tenant's head, and makes it where there is none. Begins every other script but `retire`.
--
-- The epoch is of one history only: the head remembers which replication history it was written
-- in, and a server with another one (restarted, or promoted without the latest writes) begins a
-- new epoch. A head that is lost takes its epoch with it. So does one that went back: `seen` is
-- the number that the caller has seen in epoch `of`, if any.
--
-- `floor`: whatever changed at a later number is still indexed. It follows the number by one to
-- two `hold`s; the indexes stay for at least three. Last is whether it is time to prolong their lives.
local function history()
  -- Found as it is, not by a pattern, which would try every place of a long text.
  local info = redis.call('INFO', 'replication')
  local _, at = string.find(info, 'master_replid:', 1, true)
  return string.sub(info, at + 1, at + 40)
end

local function open(head, fresh_epoch, now, hold, of, seen)
  local of_history = history()
  local known = redis.call('HMGET', head, 'epoch', 'history', 'seq', 'floor', 'young', 'young_at', 'prolonged')
  local epoch, seq = known[1], tonumber(known[3] or 0)
  if known[2] ~= of_history or (of == epoch and seq < tonumber(seen)) then
    epoch = fresh_epoch
    redis.call('HSET', head, 'epoch', epoch, 'history', of_history, 'seq', seq)
    redis.call('PEXPIRE', head, 4 * hold)
  end
  local floor, young, young_at = tonumber(known[4] or 0), tonumber(known[5] or 0), tonumber(known[6])
  if not young_at or now - young_at > hold then
    if young_at then floor = young end
    if young_at and now - young_at > 2 * hold then floor = seq end
    redis.call('HSET', head, 'floor', floor, 'young', seq, 'young_at', now)
    redis.call('PEXPIRE', head, 4 * hold)
  end
  return epoch, seq, floor, of_history, not known[7] or now - known[7] > hold / 16
end
