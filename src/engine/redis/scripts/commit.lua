-- Adds events of one tenant to their legs, those that are new, and publishes them together: the whole commit.
-- Returns the server's history, and what became of each event: 0 (known), 1 (new), 2 (the leg is full) or 3 (refused,
-- which hinders no other); then why, if any was refused. If none is new and one is refused, so is the whole call.
-- KEYS: head, changes, live; then for each event leg, ghost, user.
-- ARGV: fourteen for all, as they are named below; then for each event its field, what is stored, and its kind.
-- A call from here costs more than its command, a number as argument more than a text, and each argument its copies.
local call, text = redis.call, string.format
local head, changes, live = KEYS[1], KEYS[2], KEYS[3]
local fresh_epoch, now, keep, hold, hold_ghost, hold_index, publish, channel, user_bound, tenant_bound,
  most_phases, most_others, most_with_ends, most_wrap_ups = unpack(ARGV, 1, 14)
local now_ms, hold_ms = math.floor(tonumber(now) / 1000), tonumber(hold)
local most = {
  phase = tonumber(most_phases), summary = tonumber(most_others), dismissed = tonumber(most_others),
  hangup = tonumber(most_with_ends), expired = tonumber(most_with_ends), wrap_up = tonumber(most_others),
}
-- A leg's key ends with its member: to cut it off is cheaper than one more argument an event.
local member_at = #channel + #':leg:' + 1

-- The head is opened by the first event that is new: a duplicate, which a provider sends whenever it did not hear our
-- answer, neither writes anything nor begins an epoch.
local epoch, before, seq, of_history, is_time
-- What is written, prolonged and said once for all: legs at their last numbers, and whether each is live.
local changed, lives, said = {}, {}, {'', now}
local is_any_new = false

-- A second dismissal is known, unless a summary came after the first: the summary opens the popup once more, and a
-- user closes it once more. All names are read, since a hash has no order; a leg that is dismissed is short.
local function is_dismissed(leg)
  local dismissed, summary = -1, -1
  for _, name in ipairs(call('HKEYS', leg)) do
    local at, rank = string.match(name, '^(%d+):(%d):')
    if rank == '4' then summary = math.max(summary, tonumber(at)) end
    if rank == '5' then dismissed = math.max(dismissed, tonumber(at)) end
  end
  return dismissed >= 0 and summary <= dismissed
end

-- Wrap-ups have a bound of their own: a user who writes one again and again must not fill the leg, whose hangup has to
-- find room.
local function wrap_ups(leg)
  local count = 0
  for _, name in ipairs(call('HKEYS', leg)) do
    if string.match(name, '^%d+:7:') then count = count + 1 end
  end
  return count
end

-- Says of a leg the new event, for those who hold the leg, where a telephone's events follow each other; else all of
-- them. What is large is read by those who want it.
local function say(leg, member, kind, count, value)
  local values, bytes = {value}, #value
  if kind ~= 'phase' and kind ~= 'hangup' then
    values, bytes = call('HVALS', leg), 0
    for _, each in ipairs(values) do bytes = bytes + #each end
  end
  -- A summary to every node, for the few that watch its tenant, would cost more than their reading it.
  if bytes > 16384 then values = {string.match(value, '^%d+:%d+:')} end
  said[#said + 1] = member
  said[#said + 1] = count
  said[#said + 1] = #values == 1 and '1' or text('%d', #values)
  for _, each in ipairs(values) do said[#said + 1] = each end
end

-- Beside its events a leg has a field `=`: its version, when it was touched, whether it is `live`, has `ended` by
-- a hangup, or `neither`, when its life was prolonged last, and how many events it has.
local function add(leg, ghost, user, field, event, kind)
  -- One command for both questions: is the event known, and how does the leg stand.
  local known = call('HMGET', leg, field, '=')
  if known[1] then return '0' end
  local version, state, prolonged, count, _
  if known[2] then version, state, prolonged, count = string.match(known[2], '^=(%d+):%d+:(%l+):(%d+):(%d+)$') end
  local is_new, was = not count, state
  count = (count or 0) + 1
  if kind == 'dismissed' and is_dismissed(leg) then return '0' end
  if count > most[kind] then return '2' end
  if kind == 'wrap_up' and wrap_ups(leg) >= tonumber(most_wrap_ups) then return '2' end

  -- A ghost outlives its leg, so that the version goes on where a forgotten leg comes back.
  if is_new then version = call('GET', ghost) or '0' end
  if not epoch then
    epoch, before, _, of_history, is_time = open(head, fresh_epoch, now_ms, hold_ms)
    seq = before
  end
  -- As text, here and below: Lua writes a number of more than 14 digits into a text as a float.
  version, count = text('%d', version + 1), text('%d', count)
  -- What the call is, is folded by the nodes; this only says whether it counts among the live ones and how long it is
  -- kept. `ended` is final, as in the fold; an `expired` is not, since a telephone may still speak.
  if kind == 'hangup' then state = 'ended'
  elseif state ~= 'ended' then
    if kind == 'phase' then state = 'live' elseif kind == 'expired' or not state then state = 'neither' end
  end
  -- Lives are prolonged now and then, not at each event.
  local is_due = is_new or now_ms - prolonged > hold_ms / 16
  if is_due then prolonged = text('%d', now_ms) end
  -- `seq` itself goes up only after the write: one that fails has no number, or the next would leave a gap that every
  -- node tries to read.
  local at = text('%d', seq + 1)
  local value = at .. ':' .. version .. ':' .. event
  local summed = '=' .. version .. ':' .. now .. ':' .. state .. ':' .. prolonged .. ':' .. count
  call('HSET', leg, field, value, '=', summed)
  seq = seq + 1
  local member = string.sub(leg, member_at)
  changed[#changed + 1] = at
  changed[#changed + 1] = member
  call('ZADD', user, at, member)
  if (state == 'live') ~= (was == 'live') then lives[member] = state == 'live' end

  local is_over = state == 'ended' or kind == 'expired'
  if is_due or is_over or state ~= was then call('PEXPIRE', leg, is_over and keep or hold) end
  -- A leg that may be forgotten before its next event leaves its version behind: clients keep the highest they saw, and
  -- would not believe a leg that begins at 1 again.
  if kind ~= 'phase' or is_due and not is_new then call('SET', ghost, version, 'PX', hold_ghost) end
  if is_due then call('PEXPIRE', user, hold_index) end
  if is_new then
    is_any_new = true
    call('ZREMRANGEBYRANK', user, '0', user_bound)
  end
  say(leg, member, kind, count, value)
  return '1'
end

local outcomes, refusal = {}, nil
for nth = 1, (#KEYS - 3) / 3 do
  local key, arg = 3 * nth, 3 * nth + 11
  local leg, ghost, user = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  -- One event that cannot be stored, since its key holds something else, must not take those down that came with it.
  local went, outcome = pcall(add, leg, ghost, user, ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3])
  if not went then outcome, refusal = '3', outcome end
  outcomes[nth] = outcome
end
-- The server says why in its own words (out of memory, no rights), and the caller tells them apart.
if refusal and seq == before then error(refusal, 0) end

-- The indexes are written once for all events, after the legs. All of it is one script, so nobody reads in between.
if seq ~= before then
  call('HSET', head, 'seq', text('%d', seq), unpack(is_time and {'prolonged', text('%d', now_ms)} or {}))
  if changed[1] then call('ZADD', changes, unpack(changed)) end
  local begun, over = {}, {}
  for member, is_live in pairs(lives) do
    if is_live then
      begun[#begun + 1] = '0'
      begun[#begun + 1] = member
    else
      over[#over + 1] = member
    end
  end
  if begun[1] then call('ZADD', live, unpack(begun)) end
  if over[1] then call('ZREM', live, unpack(over)) end
  if is_time then
    for _, index in ipairs({head, changes}) do call('PEXPIRE', index, hold_index) end
  end
  if is_time or begun[1] then call('PEXPIRE', live, hold_index) end
  if is_any_new then call('ZREMRANGEBYRANK', changes, '0', tenant_bound) end
  -- Published in here, and last: messages come in the order of their numbers, and what they say is stored.
  said[1] = epoch
  if said[3] then call(publish, channel, table.concat(said, '\30')) end
end
local why = refusal and (type(refusal) == 'table' and refusal.err or tostring(refusal))
return {of_history or history(), table.concat(outcomes), why or nil}
