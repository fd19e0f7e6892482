-- Adds an event to its leg, if it is new: the whole commit, in one call.
-- Returns 0 (known), 1 (new) or 2 (the leg is full), and the tenant's number.
local head, leg, mark, changes, user, live = unpack(KEYS)
local fresh_epoch, now, hold, keep, field, event, most, kind, id, member, publish, channel, user_bound, tenant_bound = unpack(ARGV)
hold, keep = tonumber(hold), tonumber(keep)

-- A second dismissal is known, unless a summary came after the first.
local function is_dismissed()
  local dismissed, summary = -1, -1
  for _, name in ipairs(redis.call('HKEYS', leg)) do
    local at, rank = string.match(name, '^(%d+):(%d):')
    at = tonumber(at)
    if rank == '4' then summary = math.max(summary, at) end
    if rank == '5' then dismissed = math.max(dismissed, at) end
  end
  return dismissed >= 0 and summary <= dismissed
end

local size = redis.call('HLEN', leg)
if size > 0 and redis.call('HEXISTS', leg, field) == 1 then return {0, 0} end
if kind == 'dismissed' and is_dismissed() then return {0, 0} end
if size >= tonumber(most) then return {2, 0} end

local epoch = open(head, fresh_epoch, math.floor(tonumber(now) / 1000), hold)
local seq = redis.call('HINCRBY', head, 'seq', 1)
-- The mark outlives the leg, so that the version goes on where a forgotten leg comes back.
local version = redis.call('HINCRBY', mark, 'version', 1)
redis.call('HSET', leg, field, string.format('%d:%d:%s', seq, version, event))

local has_ended = kind == 'hangup' or (size > 0 and redis.call('HGET', mark, 'ended') == '1')
redis.call('HSET', mark, 'touched', now, 'ended', has_ended and 1 or 0)
redis.call('ZADD', changes, seq, member)
redis.call('ZADD', user, seq, id)
if has_ended or kind == 'expired' then
  redis.call('ZREM', live, member)
elseif kind == 'phase' then
  redis.call('ZADD', live, 0, member)
end

redis.call('PEXPIRE', leg, (has_ended or kind == 'expired') and keep or hold)
redis.call('PEXPIRE', mark, 2 * hold)
for _, index in ipairs({head, changes, user, live}) do redis.call('PEXPIRE', index, 4 * hold) end
redis.call('ZREMRANGEBYRANK', user, 0, -1 - user_bound)
redis.call('ZREMRANGEBYRANK', changes, 0, -1 - tenant_bound)

local message = {epoch, seq, now, member}
-- A large leg is read by those who want it.
if size < 64 then
  for _, value in ipairs(redis.call('HVALS', leg)) do message[#message + 1] = value end
end
redis.call(publish, channel, table.concat(message, '\30'))
return {1, seq}
