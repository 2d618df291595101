-- Hosts and instances, and the index that finds a place; see matchmaker/places.py.

local SECOND_CHOICE = 1000
local MAX_MATCHING = 1024

local function is_open(host)
  return host.healthy and not host.draining and host.gpu <= rules.gpu_ceiling
    and host.used < host.capacity
end

local function has_room(instance)
  return instance.used < instance.capacity and not instance.recycling
end

-- Hosts of one rank are equals: the fraction is drawn anew with every change.
local function rank(host)
  local wanted = host.used
  if rules.policy == 'pack' then wanted = host.capacity - host.used end
  return math.floor(100 * wanted / host.capacity) + math.random() * 0.999
end

-- Brings the pools up to date with a host and returns the names of its pools.
local function reindex(host)
  local pools, names = {}, {}
  for _, instance in pairs(host.instances) do
    if pools[instance.pool] == nil then names[#names + 1] = instance.pool end
    pools[instance.pool] = pools[instance.pool] or has_room(instance)
  end
  local open = is_open(host)
  for pool, room in pairs(pools) do
    if room and open then
      redis.call('ZADD', pool_key(pool), rank(host), host.id)
    else
      redis.call('ZREM', pool_key(pool), host.id)
    end
  end
  table.sort(names)
  return names
end

local function save_host(host)
  if next(host.instances) == nil and not host.draining then
    redis.call('HDEL', HOSTS, host.id)
    return {}
  end
  save(HOSTS, host.id, host)
  return reindex(host)
end

local function join_pool(pool, attributes)
  if redis.call('HINCRBY', POOL_SIZES, pool, 1) == 1 then
    save(POOLS, pool, attributes)
    redis.call('DEL', MATCHING)
  end
end

local function leave_pool(pool, host)
  redis.call('ZREM', pool_key(pool), host.id)
  if redis.call('HINCRBY', POOL_SIZES, pool, -1) == 0 then
    redis.call('HDEL', POOL_SIZES, pool)
    redis.call('HDEL', POOLS, pool)
    redis.call('DEL', MATCHING)
  end
end

local function matching(demand, attributes)
  local known = load(MATCHING, demand)
  if known then return known end
  local found = {}
  each(POOLS, function(pool, of_pool)
    if matches(attributes, of_pool) then found[pool] = of_pool.version end
  end)
  if redis.call('HLEN', MATCHING) >= MAX_MATCHING then redis.call('DEL', MATCHING) end
  save(MATCHING, demand, found)
  return found
end

local function handicap(version, canary, draw)
  if not canary then return 0 end
  local prefers_new = draw < canary.share
  if (version == canary.version) == prefers_new then return 0 end
  return SECOND_CHOICE
end

local function best_of(pool)
  local first = redis.call('ZRANGE', pool_key(pool), 0, 0, 'WITHSCORES')
  return first[1], tonumber(first[2])
end

-- Returns the pool and the host of the place that a session gets now.
local function find(session)
  local canary = rules.canary[session.attributes.application]
  local best_pool, best_host, best_rank
  for pool, version in pairs(matching(session.demand, session.attributes)) do
    local host, ranked = best_of(pool)
    if host then
      ranked = ranked + handicap(version, canary, session.canary or 1)
      if not best_rank or ranked < best_rank then
        best_pool, best_host, best_rank = pool, host, ranked
      end
    end
  end
  return best_pool, best_host
end

local function instance_for(host, pool)
  local sign = rules.policy == 'pack' and -1 or 1
  local best
  for _, instance in pairs(host.instances) do
    if instance.pool == pool and has_room(instance)
      and (not best or sign * instance.used < sign * best.used) then
      best = instance
    end
  end
  return best
end

local function take(host, instance, session)
  instance.used = instance.used + 1
  instance.sessions[session.id] = 1
  host.used = host.used + 1
  save_host(host)
end

local function give_back(host, instance, session)
  instance.used = instance.used - 1
  instance.sessions[session.id] = nil
  host.used = host.used - 1
  if rules.recycle and session.started_at > 0 and instance.used == 0 then
    instance.recycling = true
    tell('recycle', nil, instance.id)
  end
end
