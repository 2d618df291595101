-- The life of a session and the queue; see matchmaker/lifecycle.py and lines.py.

local CLASS_WIDTH = 2 ^ 40
local HEAD = -(2 ^ 41)
local WARNED_MAX, WARNED_IDLE = 1, 2

local function warned(session, what)
  return bit.band(session.warned, what) ~= 0
end

local function limit_of(session)
  if warned(session, WARNED_MAX) then return session.ends_at end
  return session.ends_at - rules.warning
end

local function idle_of(session)
  if rules.idle == 0 then return math.huge end
  local ends_at = session.last_input + rules.idle
  if warned(session, WARNED_IDLE) then return ends_at end
  return ends_at - rules.warning
end

local deadline_in = {
  queued = function(s) return s.poll_by > 0 and s.poll_by or math.huge end,
  reserved = function(s) return s.reserved_until end,
  active = function(s) return math.min(limit_of(s), idle_of(s)) end,
  grace = function(s) return math.min(s.grace_until, limit_of(s)) end,
  ended = function(s) return s.ended_at + rules.retention end,
}

local function save_session(session)
  local when = deadline_in[session.state](session)
  if when == math.huge then
    redis.call('ZREM', DEADLINES, session.id)
  else
    redis.call('ZADD', DEADLINES, when, session.id)
  end
  if session.state ~= 'ended' then
    redis.call('HSET', USERS, session.user, session.id)
  end
  return save(SESSIONS, session.id, session)
end

local function score(priority, head)
  local sequence = redis.call('HINCRBY', META, 'sequence', 1)
  if head then return HEAD + sequence end
  return priority * CLASS_WIDTH + sequence
end

local function wait(session)
  redis.call('ZADD', line_key(session.demand), session.score, session.id)
  redis.call('HINCRBY', META, 'waiting', 1)
  save(DEMANDS, session.demand, session.attributes)
  local raw = save_session(session)
  tell('queued', raw)
  return raw
end

local function unwait(session)
  redis.call('ZREM', line_key(session.demand), session.id)
  redis.call('HINCRBY', META, 'waiting', -1)
  if redis.call('EXISTS', line_key(session.demand)) == 0 then
    redis.call('HDEL', DEMANDS, session.demand)
  end
end

local function ahead(session)
  if session.state ~= 'queued' then return 0 end
  local sum = 0
  each(DEMANDS, function(demand, attributes)
    if compatible(attributes, session.attributes) then
      sum = sum + redis.call('ZCOUNT', line_key(demand), '-inf', '(' .. session.score)
    end
  end)
  return sum
end

local function first_for(pool)
  local attributes = load(POOLS, pool)
  local best, best_score
  each(DEMANDS, function(demand, wanted)
    if not matches(wanted, attributes) then return end
    local first = redis.call('ZRANGE', line_key(demand), 0, 0, 'WITHSCORES')
    local at = tonumber(first[2])
    if not best or at < best_score then best, best_score = first[1], at end
  end)
  return best
end

local function reserve(session, pool, host_id)
  local host = load(HOSTS, host_id)
  local instance = instance_for(host, pool)
  take(host, instance, session)
  session.state = 'reserved'
  session.reserved_until = now + rules.reservation
  session.waited = session.waited + now - session.queued_at
  session.poll_by, session.warned = 0, 0
  session.host, session.instance, session.pool = host_id, instance.id, pool
  local raw = save_session(session)
  tell('assigned', raw)
  return raw
end

local function allocate(session, draw)
  local pool, host = find(session, draw)
  return pool and reserve(session, pool, host)
end

-- Gives the free places of these pools to those who wait for them.
local function dispatch(pools)
  for _, pool in ipairs(pools) do
    while redis.call('EXISTS', DEMANDS) == 1 do
      local host = best_of(pool)
      local first = host and first_for(pool)
      if not first then break end
      local session = load(SESSIONS, first)
      unwait(session)
      reserve(session, pool, host)
    end
  end
end

local function requeue(session)
  session.state = 'queued'
  session.host, session.instance, session.pool, session.player_id = '', '', '', ''
  session.queued_at, session.waits = now, session.waits + 1
  session.ends_at, session.grace_until, session.reserved_until = 0, 0, 0
  session.warned = 0
  session.poll_by = session.holder == '' and now + rules.grace or 0
  session.score = score(session.priority, true)
  return allocate(session, 1) or wait(session)
end

local function pause(session, holder)
  session.state = 'grace'
  session.grace_until = now + rules.grace
  session.holder, session.player_id = holder, ''
end

local function vacate(session)
  if session.state == 'queued' then
    unwait(session)
    session.waited = session.waited + now - session.queued_at
    return {}
  end
  local host = load(HOSTS, session.host)
  give_back(host, host.instances[session.instance], session)
  return save_host(host)
end

local function keep_record(id, raw)
  if redis.call('HLEN', UNRECORDED) < rules.max_unrecorded then
    redis.call('HSET', UNRECORDED, id, raw)
  end
end

local function finish(session, reason)
  local pools = vacate(session)
  session.state, session.ended_at, session.reason = 'ended', now, reason
  local raw = save_session(session)
  tell('ended', raw, nil, reason)
  keep_record(session.id, raw)
  dispatch(pools)
  return raw
end

local function forget(session)
  redis.call('HDEL', SESSIONS, session.id)
  redis.call('ZREM', DEADLINES, session.id)
  if redis.call('HGET', USERS, session.user) == session.id then
    redis.call('HDEL', USERS, session.user)
  end
end

local function overdue(s)
  local state = s.state
  if state == 'queued' and s.poll_by > 0 and s.poll_by <= now then return 'abandoned' end
  if state == 'reserved' and s.reserved_until <= now then return 'reservation_expired' end
  if state ~= 'active' and state ~= 'grace' then return nil end
  if s.ends_at <= now then return 'max_duration' end
  if state == 'grace' and s.grace_until <= now then return 'disconnected' end
  if state == 'active' and rules.idle > 0 and s.last_input + rules.idle <= now then
    return 'idle'
  end
  return nil
end

local function warn(s)
  if s.state ~= 'active' and s.state ~= 'grace' then return end
  if not warned(s, WARNED_MAX) and s.ends_at - rules.warning <= now then
    s.warned = s.warned + WARNED_MAX
    tell('expiring', cjson.encode(s), nil, 'max_duration')
  end
  if s.state == 'active' and not warned(s, WARNED_IDLE) and rules.idle > 0
    and s.last_input + rules.idle - rules.warning <= now then
    s.warned = s.warned + WARNED_IDLE
    tell('expiring', cjson.encode(s), nil, 'idle')
  end
end

local function expire(session)
  if session.state == 'ended' then return forget(session) end
  local reason = overdue(session)
  if reason then return finish(session, reason) end
  warn(session)
  save_session(session)
end
