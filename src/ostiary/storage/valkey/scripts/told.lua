-- Says that something of a tenant was stored. KEYS[1] holds the tenant's latest word; ARGV: a word that was never said
-- before, the channel, what is told on it.
redis.call('SET', KEYS[1], ARGV[3], 'PX', 86400000)
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
