-- What is nicer in Lua than in C++. Built into faultline; runs before every script, and its frames
-- are left out of the places in messages. `methods` is the table of run's methods.
local methods = ...
local error, pcall, select, type = error, pcall, select, type
local unpack = table.unpack

local function together(...) return { n = select("#", ...), ... } end

-- Injects the faults together, calls body with them, and reverts them on any exit, newest first.
-- Returns what body returns; an error in body goes on after the revert.
function methods.during(run, faults, body)
  if type(faults) ~= "table" or #faults == 0 then
    error("run:during takes a list of faults and a function: run:during({ fault... }, function(f) ... end)", 2)
  end
  if type(body) ~= "function" then
    error("run:during: expected a function(f) ... end after the faults", 2)
  end
  local injected = together(run:inject(unpack(faults)))
  local result = together(pcall(body, unpack(injected, 1, injected.n)))
  for i = injected.n, 1, -1 do
    injected[i]:revert()
  end
  if not result[1] then
    error(result[2], 0)
  end
  return unpack(result, 2, result.n)
end
