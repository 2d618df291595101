-- Instances that come and go, alone or with their node.

local function drop_instance(instance_id)
  local host = load(HOSTS, redis.call('HGET', INSTANCES, instance_id))
  local instance = host.instances[instance_id]
  host.instances[instance_id] = nil
  host.used = host.used - instance.used
  redis.call('HDEL', INSTANCES, instance_id)
  leave_pool(instance.pool, host)
  local pools = save_host(host)
  tell('instance_left', nil, instance_id)
  local lost = {}
  for session_id in pairs(instance.sessions) do
    lost[#lost + 1] = load(SESSIONS, session_id)
  end
  table.sort(lost, function(a, b)
    if a.created_at == b.created_at then return a.id < b.id end
    return a.created_at < b.created_at
  end)
  for _, session in ipairs(lost) do requeue(session) end
  dispatch(pools)
end

local function known_instance(instance_id)
  local host_id = redis.call('HGET', INSTANCES, instance_id)
  local host = host_id and load(HOSTS, host_id)
  return host and host.instances[instance_id], host_id
end

local function renew_or_new(known, spec, pool)
  return {
    id = spec.id, pool = pool, application = spec.application, version = spec.version,
    profile = spec.profile, capacity = spec.capacity, node = node,
    recycling = not spec.fresh and (known and known.recycling or not known and rules.recycle),
    used = known and known.used or 0, sessions = known and known.sessions or {},
  }
end

local function host_for(spec)
  local host = load(HOSTS, spec.host) or {
    id = spec.host, capacity = rules.host_capacity, used = 0, draining = false,
    healthy = true, gpu = 0, instances = {},
  }
  host.region, host.address = spec.region, spec.address
  if spec.host_capacity > 0 then host.capacity = spec.host_capacity end
  return host
end

local function put_instance(spec, pool, attributes)
  local known, host_id = known_instance(spec.id)
  if known and (host_id ~= spec.host or known.pool ~= pool) then
    drop_instance(spec.id)
    known = nil
  end
  local host = host_for(spec)
  if not known then join_pool(pool, attributes) end
  local instance = renew_or_new(known, spec, pool)
  host.instances[spec.id] = instance
  redis.call('HSET', INSTANCES, spec.id, spec.host)
  tell('instance_joined', nil, spec.id)
  if not known and instance.recycling then tell('recycle', nil, spec.id) end
  dispatch(save_host(host))
end

local function is_held_by(session, dead)
  return string.sub(session.holder, 1, #dead + 1) == dead .. '/'
end

local function orphan(session)
  if session.state == 'active' then
    pause(session, '')
    tell('grace', save_session(session))
    return
  end
  session.holder = ''
  if session.state == 'queued' then session.poll_by = now + rules.grace end
  save_session(session)
end

-- Looks at everything: a node's death is rare.
local function bury(dead)
  each(SESSIONS, function(_, session)
    if is_held_by(session, dead) and session.state ~= 'ended' then orphan(session) end
  end)
  local lost = {}
  each(HOSTS, function(_, host)
    for id, instance in pairs(host.instances) do
      if instance.node == dead then lost[#lost + 1] = id end
    end
  end)
  for _, id in ipairs(lost) do drop_instance(id) end
  redis.call('ZREM', LEASES, dead)
end

-- Buries silent nodes, or lets their leases begin anew: see `pardon` in store.py.
local function settle_leases(pardoned)
  local most = pardoned and -1 or 8
  for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)) do
    if pardoned then redis.call('ZADD', LEASES, now + rules.lease, lapsed) else bury(lapsed) end
  end
end

-- All keys go by themselves when no node is left to renew them.
local function keep_alive()
  local keys = {SESSIONS, USERS, HOSTS, INSTANCES, POOLS, POOL_SIZES, MATCHING, DEMANDS,
    DEADLINES, LEASES, UNRECORDED, META, CHANGES}
  for _, pool in ipairs(redis.call('HKEYS', POOLS)) do keys[#keys + 1] = pool_key(pool) end
  for _, line in ipairs(redis.call('HKEYS', DEMANDS)) do keys[#keys + 1] = line_key(line) end
  for _, name in ipairs(keys) do redis.call('EXPIRE', name, rules.state_ttl) end
end
