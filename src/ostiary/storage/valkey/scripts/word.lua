-- Returns the run and the tenant's latest word, KEYS[1]; where there is none, ARGV[3] becomes it: a word that was never
-- said before. So what a flush or a failover took away is never mistaken for the word that was seen last.
local word = redis.call('GET', KEYS[1])
if not word then
  word = ARGV[3]
  redis.call('SET', KEYS[1], word, 'PX', 86400000)
end
return RUN .. ':' .. word
