-- Puts what was taken ahead into pools. ARGV from the third on, three for each pool: its slot, how much, how long it
-- is kept in ms. What a pool of an older slot holds is lost: it counts as taken.
for place, pool in ipairs(KEYS) do
  local at = 3 * place
  local kept = redis.call('HMGET', pool, 'run', 'slot')
  if kept[1] == RUN and kept[2] == ARGV[at] then
    redis.call('HINCRBY', pool, 'left', ARGV[at + 1])
  elseif kept[1] ~= RUN or tonumber(kept[2]) < tonumber(ARGV[at]) then
    redis.call('DEL', pool)
    redis.call('HSET', pool, 'run', RUN, 'slot', ARGV[at], 'left', ARGV[at + 1])
  end
  redis.call('PEXPIRE', pool, ARGV[at + 2])
end
return 1
