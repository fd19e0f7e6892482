-- Reads a row, and the history. KEYS: rows. ARGV: name.
return {redis.call('HGET', KEYS[1], ARGV[1]), history()}
