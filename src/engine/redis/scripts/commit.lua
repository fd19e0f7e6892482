-- Adds an event to its leg, if it is new: the whole commit, in one call.
-- Returns 0 (known), 1 (new) or 2 (the leg is full), and the server's history.
-- A call from here costs more than its command, and a number as argument more than a text.
local head, leg, ghost, changes, user, live = unpack(KEYS)
local fresh_epoch, now, keep, hold, hold_ghost, hold_index, field, event, most, kind, id, member, publish, channel,
  user_bound, tenant_bound = unpack(ARGV)
local now_ms, hold_ms = math.floor(tonumber(now) / 1000), tonumber(hold)

-- Beside its events a leg has a field `=`: its version, when it was touched, whether it is `live`,
-- has `ended` by a hangup, or neither, and when its life was prolonged last.
local fields = redis.call('HGETALL', leg)
local values, bytes, version, state, prolonged = {}, 0, nil, nil, now_ms
-- A second dismissal is known, unless a summary came after the first.
local dismissed, summary = -1, -1
for nth = 1, #fields, 2 do
  local name, value = fields[nth], fields[nth + 1]
  if name == field then return {0, history()} end
  if name == '=' then
    version, state, prolonged = string.match(value, '^=(%d+):%d+:(%l+):(%d+)$')
  else
    values[#values + 1] = value
    bytes = bytes + #value
    if kind == 'dismissed' then
      local at, rank = string.match(name, '^(%d+):(%d):')
      if rank == '4' then summary = math.max(summary, tonumber(at)) end
      if rank == '5' then dismissed = math.max(dismissed, tonumber(at)) end
    end
  end
end
if dismissed >= 0 and summary <= dismissed then return {0, history()} end
if #values >= tonumber(most) then return {2, history()} end
local is_new = #values == 0

local epoch, before, _, line = open(head, fresh_epoch, now_ms, hold_ms)
local seq = string.format('%d', before + 1)
redis.call('HSET', head, 'seq', seq)

-- A ghost outlives its leg, so that the version goes on where a forgotten leg comes back.
if is_new then version = redis.call('GET', ghost) or '0' end
version = string.format('%d', version + 1)
local was = state
if kind == 'hangup' then state = 'ended'
elseif state ~= 'ended' then
  if kind == 'phase' then state = 'live' elseif kind == 'expired' or not state then state = 'neither' end
end
-- Lives are prolonged now and then, not at each event.
local is_due = is_new or now_ms - prolonged > hold_ms / 16
if is_due then prolonged = string.format('%d', now_ms) end
values[#values + 1] = seq .. ':' .. version .. ':' .. event
bytes = bytes + #event
redis.call('HSET', leg, field, values[#values], '=', table.concat({'=' .. version, now, state, prolonged}, ':'))
redis.call('ZADD', changes, seq, member)
redis.call('ZADD', user, seq, id)
if state == 'live' and was ~= 'live' then
  redis.call('ZADD', live, '0', member)
  redis.call('PEXPIRE', live, hold_index)
elseif was == 'live' and state ~= 'live' then
  redis.call('ZREM', live, member)
end

local is_over = state == 'ended' or kind == 'expired'
if is_due or is_over or state ~= was then redis.call('PEXPIRE', leg, is_over and keep or hold) end
if kind ~= 'phase' or is_due and not is_new then redis.call('SET', ghost, version, 'PX', hold_ghost) end
if is_due then
  for _, index in ipairs({head, changes, user}) do redis.call('PEXPIRE', index, hold_index) end
  if not is_new then redis.call('PEXPIRE', live, hold_index) end
end
if is_new then
  redis.call('ZREMRANGEBYRANK', user, '0', user_bound)
  redis.call('ZREMRANGEBYRANK', changes, '0', tenant_bound)
end

-- A large leg is read by those who want it.
if bytes > 16384 then values = {} end
redis.call(publish, channel, table.concat({epoch, seq, now, member, unpack(values)}, '\30'))
return {1, line}
