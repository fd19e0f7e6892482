-- Adds events of one tenant to their items, those that are new, and publishes them together: the whole commit.
-- Returns the server's history, and what became of each event: 0 (known), 1 (new), 2 (its item is full), 3 (refused,
-- which hinders no other) or 4 (its item is settled, and must be warm before), after 0 and 1 with the number of its change;
-- then why, if any was refused. If none is new and one is refused, so is the whole call.
-- KEYS: head, live; for each kind of item its changes; then for each event item, ghost, user.
-- ARGV: seven for all, as they are named below; for each kind how long an item stays, and its bounds of a user and of
-- the tenant; then for each event its field, what is stored, and its manner: a digit for the kind of its item, one for
-- its effect on whether that is live (0: none, 1: it lives, 2: it rests, 3: it ends for good), one for whether it shows
-- the item (0, 1), then how many events the item may hold, and how many of them may be of its rank: 32 or more; then,
-- where what it says is stored apart, at which place of ARGV that is.
-- A call from here costs more than its command, a number as argument more than a text, and each argument its copies.
local KINDS = 2
-- The bytes of digits: to look at them is cheaper than to cut texts out of a text.
local ZERO, LIVES, RESTS, ENDS = string.byte('0123', 1, 4)
local SETTLED, NEW = string.byte('*1', 1, 2)
local call, text = redis.call, string.format
local head, live = KEYS[1], KEYS[2]
local fresh_epoch, now, hold, hold_ghost, hold_index, publish, channel = unpack(ARGV, 1, 7)
local now_ms, hold_ms = math.floor(tonumber(now) / 1000), tonumber(hold)
-- An item's key ends with its member: to cut it off is cheaper than one more argument an event.
local member_at = #channel + #':item:' + 1

-- The head is opened by the first event that is new: a duplicate, which a provider sends whenever it did not hear our
-- answer, neither writes anything nor begins an epoch.
local epoch, before, seq, of_history, is_time
-- What is written, prolonged and said once for all: items at their last numbers by kind, whether any of them is new, and
-- whether each is live, or has just ended.
local changed, is_any_new, lives, ended, said = {{}, {}}, {}, {}, {}, {'', now}

-- A rank may have a bound of its own: a user who says something again and again must not fill the item, whose end has
-- to find room.
local function count_alike(item, field)
  local rank, count = string.match(field, '^%d+:(%d+):'), 0
  for _, name in ipairs(call('HKEYS', item)) do
    if string.match(name, '^%d+:(%d+):') == rank then count = count + 1 end
  end
  return count
end

-- What the latest summary of an item says, behind the field of its event and `=`.
local function content_of(member) return channel .. ':content:' .. member end

-- Stores that, unless a later one is there. Of summaries at the same time, the last by their digest counts, as
-- everywhere.
local function tell(member, field, told, is_told)
  local key = content_of(member)
  local known = is_told and call('GET', key)
  if known then
    local other = string.match(known, '^([^=]*)=')
    local at, other_at = tonumber(string.match(field, '^%d+')), tonumber(string.match(other or '', '^%d+'))
    if other_at and (other_at > at or other_at == at and other > field) then return end
  end
  call('SET', key, field .. '=' .. told, 'PX', hold)
end

-- Says of an item the new event, for those who hold the item, where it lives or ends; else all of them. What is large is read by those who want it.
local function say(item, member, effect, count, value, is_told)
  local length, bytes, values = #said, #value, nil
  if effect == ZERO or effect == RESTS then
    values, bytes = call('HVALS', item), 0
    -- What is long goes with no frame.
    local told = is_told and call('GET', content_of(member))
    if told and #told <= 16384 then values[#values + 1] = '~' .. told end
    for _, each in ipairs(values) do bytes = bytes + #each end
  end
  -- A large one to every node, for the few that watch its tenant, would cost more than their reading it.
  if bytes > 16384 then value, values = string.match(value, '^%d+:%d+:'), nil end
  said[length + 1], said[length + 2], said[length + 3], said[length + 4] = member, count, '1', value
  if values then
    said[length + 3] = text('%d', #values)
    for nth, each in ipairs(values) do said[length + 3 + nth] = each end
  end
end

-- Beside its events an item has a field `=`: its version, when it was touched, whether it is `live`, has `ended` for
-- good, `neither`, or is `hidden`, since no event shows it yet, when its life was prolonged last, how many events it
-- has, and `~` where what a summary says is stored: most items have none, and are not asked for it. What is hidden is in no index, where it would take the place of something that can be shown.
local function add(item, ghost, user, field, event, manner)
  -- One command for both questions: is the event known, and how does the item stand.
  local known = call('HMGET', item, field, '=')
  if known[1] then return '0' .. string.match(known[1], '^%d+') end
  local kind, effect, shows = string.byte(manner, 1, 3)
  kind = kind - ZERO
  local version, state, prolonged, count, is_told, _
  if known[2] then
    version, state, prolonged, count, is_told = string.match(known[2], '^=(%d+):%d+:(%l+):(%d+):(%d+)(~?)$')
    is_told = is_told == '~'
  end
  local is_new, was = not count, state
  count = (count or 0) + 1
  if count > 32 then
    local room, alike = string.match(manner, '^%d%d%d:(%d+):(%d+)')
    if count > tonumber(room) then return '2' end
    if count > tonumber(alike) and count_alike(item, field) >= tonumber(alike) then return '2' end
  end
  local of_kind = 7 + 3 * kind

  -- A ghost outlives its item, so that the version goes on where a forgotten item comes back.
  if is_new then
    version = call('GET', ghost) or '0'
    if string.byte(version, -1) == SETTLED then return '4' end
  end
  if not epoch then
    epoch, before, _, of_history, is_time = open(head, fresh_epoch, now_ms, hold_ms)
    seq = before
  end
  -- As text, here and below: Lua writes a number of more than 14 digits into a text as a float.
  local next_version = version + 1
  -- Mostly an item has as many events as versions, and a number is dear to write.
  version = text('%d', next_version)
  count = count == next_version and version or text('%d', count)
  -- What the item is, is folded by the nodes; this only says whether it counts among the live ones and how long it is
  -- kept.
  local is_hidden = shows == ZERO and (not was or was == 'hidden')
  if is_hidden then state = 'hidden'
  elseif effect == ENDS then state = 'ended'
  elseif state ~= 'ended' then
    if effect == LIVES then state = 'live' elseif effect == RESTS or not state or state == 'hidden' then state = 'neither' end
  end
  -- Lives are prolonged now and then, not at each event.
  local is_due = is_new or now_ms - prolonged > hold_ms / 16
  if is_due then prolonged = text('%d', now_ms) end
  -- `seq` itself goes up only after the write: one that fails has no number, or the next would leave a gap that every
  -- node tries to read.
  local at = text('%d', seq + 1)
  local value = at .. ':' .. version .. ':' .. event
  local member, of_changed = string.sub(item, member_at), changed[kind + 1]
  -- Before its event: one that stands in its item is not stored again.
  local told = effect == ZERO and string.match(manner, '^%d%d%d:%d+:%d+:(%d+)$')
  if told then
    tell(member, field, ARGV[tonumber(told)], is_told)
    is_told = true
  end
  local summed = '=' .. version .. ':' .. now .. ':' .. state .. ':' .. prolonged .. ':' .. count
  if is_told then summed = summed .. '~' end
  -- First, since an event that stands in its item is known when it comes again, indexed or not.
  if not is_hidden then call('ZADD', user, at, member) end
  call('HSET', item, field, value, '=', summed)
  seq = seq + 1
  if not is_hidden then
    local length = #of_changed
    of_changed[length + 1], of_changed[length + 2] = at, member
  end
  if (state == 'live') ~= (was == 'live') then lives[member] = state == 'live' end
  if state == 'ended' and was ~= 'ended' then ended[#ended + 1] = member end

  local is_over = state == 'ended' or effect == RESTS
  if is_due or is_over or state ~= was then
    local lives_for = is_over and ARGV[of_kind + 1] or hold
    call('PEXPIRE', item, lives_for)
    if is_told then call('PEXPIRE', content_of(member), lives_for) end
  end
  -- An item that may be forgotten before its next event leaves its version behind: clients keep the highest they saw, and
  -- would not believe an item that begins at 1 again.
  if effect ~= LIVES or is_due and not is_new then call('SET', ghost, version, 'PX', hold_ghost) end
  local is_first = not is_hidden and (is_new or was == 'hidden')
  if is_due or is_first then call('PEXPIRE', user, hold_index) end
  if is_first then
    is_any_new[kind + 1] = true
    call('ZREMRANGEBYRANK', user, '0', ARGV[of_kind + 2])
  end
  say(item, member, effect, count, value, is_told)
  return '1' .. at, known[2]
end

-- Of each event what became of it, and how its item stood before.
local outcomes, stood, refusal = {}, {}, nil
local first_key, first_arg = 3 + KINDS, 8 + 3 * KINDS
local key, arg = first_key, first_arg
for nth = 1, (#KEYS - 2 - KINDS) / 3 do
  -- One event that cannot be stored, since its key holds something else, must not take those down that came with it.
  local went, outcome, stood_as = pcall(add, KEYS[key], KEYS[key + 1], KEYS[key + 2], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2])
  if not went then outcome, refusal = '3', outcome end
  outcomes[nth], stood[nth], key, arg = outcome, stood_as, key + 3, arg + 3
end
-- The server says why in its own words (out of memory, no rights), and the caller tells them apart.
if refusal and seq == before then error(refusal, 0) end

-- The indexes are written once for all events, after the items. All of it is one script, so nobody reads in between.
local function index()
  for kind = 1, KINDS do
    local changes = KEYS[2 + kind]
    if changed[kind][1] then call('ZADD', changes, unpack(changed[kind])) end
    -- All indexes live equally long, though one of them may be written seldom, or just now for the first time.
    if is_time or is_any_new[kind] then call('PEXPIRE', changes, hold_index) end
    if is_any_new[kind] then call('ZREMRANGEBYRANK', changes, '0', ARGV[7 + 3 * kind]) end
  end
  -- One after the other as they end; who settles them keeps their list.
  if ended[1] then call('RPUSH', channel .. ':ended', unpack(ended)) end
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
  if is_time or begun[1] then call('PEXPIRE', live, hold_index) end
  call('HSET', head, 'seq', text('%d', seq), unpack(is_time and {'prolonged', text('%d', now_ms)} or {}))
  if is_time then call('PEXPIRE', head, hold_index) end
end

-- An event that stood in its item, and in no index, would be known when it comes again, and seen by nobody.
local function take_back()
  for nth = #outcomes, 1, -1 do
    local key, field = first_key + 3 * nth - 3, ARGV[first_arg + 3 * nth - 3]
    if string.byte(outcomes[nth]) == NEW then
      local item, ghost = KEYS[key], KEYS[key + 1]
      local version = string.match(call('HGET', item, field), '^%d+:(%d+)')
      call('HDEL', item, field)
      if stood[nth] then call('HSET', item, '=', stood[nth]) else call('HDEL', item, '=') end
      if version == '1' then call('DEL', ghost) end
    end
  end
end

if seq ~= before then
  local went, failure = pcall(index)
  if not went then
    take_back()
    error(failure, 0)
  end
  -- Published in here, and last: messages come in the order of their numbers, and what they say is stored.
  said[1] = epoch
  if said[3] then call(publish, channel, table.concat(said, '\30')) end
end
local why = refusal and (type(refusal) == 'table' and refusal.err or tostring(refusal))
return {of_history or history(), table.concat(outcomes, ' '), why or nil}
