-- Takes a secret, if nobody has. A try of the same attempt gets it again; the name stays taken
-- until its time is over. Returns the secret or none, and the history.
-- KEYS: secret. ARGV: attempt.
local held = redis.call('GET', KEYS[1])
if not held then return {false, history()} end
local putter, taker, value = string.match(held, '^([^:]*):([^:]*):(.*)$')
if taker ~= '' and taker ~= ARGV[1] then return {false, history()} end
redis.call('SET', KEYS[1], table.concat({putter, ARGV[1], value}, ':'), 'KEEPTTL')
return {value, history()}
