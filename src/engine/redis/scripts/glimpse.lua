-- Reads of items what they say last of one rank, and nothing else: they may be large. For each item its field `=`, how
-- many of its events are of the rank, and the latest of those, or any event where none is. Of one that is settled, that.
-- KEYS: the items. ARGV: the rank, and what all keys of the tenant begin with.
local call, match = redis.call, string.match
local found, member_at = {}, #ARGV[2] + #':item:' + 1
for nth, item in ipairs(KEYS) do
  local alike, latest, latest_at, any = 0, nil, -1, nil
  for _, field in ipairs(call('HKEYS', item)) do
    local at, rank = match(field, '^(%d+):(%d+):')
    if rank == ARGV[1] then
      alike = alike + 1
      -- Of events at the same time, the last by their digest, as everywhere.
      local is_later = tonumber(at) > latest_at or tonumber(at) == latest_at and field > latest
      if is_later then latest, latest_at = field, tonumber(at) end
    elseif rank and (not any or match(any, ':4:')) then
      -- A summary only where there is nothing smaller.
      any = field
    end
  end
  local event = latest or any
  local settled = not event and call('GET', ARGV[2] .. ':settled:' .. string.sub(item, member_at))
  found[nth] = {call('HGET', item, '=') or '', tostring(alike), event and call('HGET', item, event) or settled or ''}
end
return found
