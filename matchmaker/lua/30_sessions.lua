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

-- Before a short limit not at once after each input.
local function idle_warning(session)
  return session.last_input + math.max(rules.idle - rules.warning, rules.idle / 2)
end

local function idle_of(session)
  if rules.idle == 0 then return math.huge end
  if warned(session, WARNED_IDLE) then return session.last_input + rules.idle end
  return idle_warning(session)
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

local function fits_any(wanted, pools)
  for _, pool in ipairs(pools) do
    if matches(wanted, pool) then return true end
  end
  return false
end

local function first_for(pools)
  local best, best_score
  each(DEMANDS, function(demand, wanted)
    if not fits_any(wanted, pools) then return end
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

local function allocate(session)
  local pool, host = find(session)
  return pool and reserve(session, pool, host)
end

local function open_of(pools)
  local open = {}
  for _, pool in ipairs(pools) do
    if best_of(pool) then open[#open + 1] = load(POOLS, pool) end
  end
  return open
end

-- Gives the free places of these pools to those who wait for them, the earliest first.
local function dispatch(pools)
  while redis.call('EXISTS', DEMANDS) == 1 do
    local first = first_for(open_of(pools))
    local session = first and load(SESSIONS, first)
    local pool, host
    if session then pool, host = find(session) end
    if not pool then return end
    unwait(session)
    reserve(session, pool, host)
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
  return allocate(session) or wait(session)
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
    and idle_warning(s) <= now then
    s.warned = s.warned + WARNED_IDLE
    tell('expiring', cjson.encode(s), nil, 'idle')
  end
end

-- Lets every limit but the maximum duration begin anew: nobody could be told of news.
local function pardon(s)
  if s.state == 'queued' and s.poll_by > 0 then s.poll_by = now + rules.poll end
  if s.state == 'reserved' then s.reserved_until = now + rules.reservation end
  if s.state == 'grace' then s.grace_until = now + rules.grace end
  if s.state == 'active' then
    s.last_input, s.warned = now, bit.band(s.warned, WARNED_MAX)
  end
end

local function expire(session, pardoned)
  if session.state == 'ended' then return forget(session) end
  if pardoned then pardon(session) end
  local reason = overdue(session)
  if reason then return finish(session, reason) end
  warn(session)
  save_session(session)
end
