-- What Lua tests say: ok(value), is(found, wanted), boom(wanted part of the message, function, ...).
local checks = {}

function checks.ok(value, what)
  if not value then
    error(what or "expected a true value", 2)
  end
end

function checks.is(found, wanted)
  if found ~= wanted then
    error("expected " .. tostring(wanted) .. ", found " .. tostring(found), 2)
  end
end

function checks.boom(wanted, f, ...)
  local fine, message = pcall(f, ...)
  if fine then
    error("expected an error with '" .. wanted .. "', found none", 2)
  end
  if not tostring(message):find(wanted, 1, true) then
    error("expected an error with '" .. wanted .. "', found '" .. tostring(message) .. "'", 2)
  end
end

return checks
