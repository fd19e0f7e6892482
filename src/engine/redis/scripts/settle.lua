-- Puts items that have ended into one value each, unless something happened to them since they were read. Returns how
-- many were, and how many need not be looked at again at once.
-- KEYS: ended; then for each item itself, its ghost, its one value, and what its summary says.
-- ARGV: how long a ghost stays; then for each item its member, its field `=` as it was read, the value, or nothing where it
-- stays as it is, how long it stays, whether the value has what its summary says (0, 1), and whether it
-- waits for its turn once more (0, 1).
-- A failure on the way leaves the item as it was: it counts as long as it is there.
local call = redis.call
local put, done = 0, 0
for nth = 1, (#KEYS - 1) / 4 do
  local item, ghost, settled, content = unpack(KEYS, 4 * nth - 2, 4 * nth + 1)
  local member, seen, value, lives_for, has_content, waits = unpack(ARGV, 6 * nth - 4, 6 * nth + 1)
  local state = call('HGET', item, '=') or ''
  if state == seen then
    if value ~= '' then
      call('SET', settled, value, 'PX', lives_for)
      -- So that the commit script, which asks a new item's ghost anyway, knows of it.
      call('SET', ghost, string.match(state, '^=(%d+)') .. '*', 'PX', ARGV[1])
      call('DEL', item)
      if has_content == '1' then call('DEL', content) end
      put = put + 1
    end
    call('LREM', KEYS[1], '1', member)
    if waits == '1' then call('RPUSH', KEYS[1], member) end
    done = done + 1
  end
end
return {put, done}
