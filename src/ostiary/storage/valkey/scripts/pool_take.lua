-- Takes from the pools of several budgets, from all or from none. KEYS: one pool each, a hash of run, slot and left.
-- ARGV from the third on, three for each pool: the slot of now, what must be had, what may be had.
-- Returns {1, taken…} when all had enough. Else {0, slot, left, …}: every pool is empty now, and what was in it goes
-- back to the store with the next question there. What another run of the server left behind may have been spent.
local takes = {1}
for place, pool in ipairs(KEYS) do
  local at = 3 * place
  local kept = redis.call('HMGET', pool, 'run', 'slot', 'left')
  local left = kept[1] == RUN and kept[2] == ARGV[at] and tonumber(kept[3]) or 0
  if left < tonumber(ARGV[at + 1]) or left == 0 then takes = nil break end
  takes[place + 1] = math.min(left, tonumber(ARGV[at + 2]))
end

if takes then
  for place, pool in ipairs(KEYS) do redis.call('HINCRBY', pool, 'left', -takes[place + 1]) end
  return takes
end

local back = {0}
for _, pool in ipairs(KEYS) do
  local kept = redis.call('HMGET', pool, 'run', 'slot', 'left')
  local mine = kept[1] == RUN
  back[#back + 1] = mine and tonumber(kept[2]) or 0
  back[#back + 1] = mine and math.max(0, tonumber(kept[3])) or 0
  redis.call('DEL', pool)
end
return back
