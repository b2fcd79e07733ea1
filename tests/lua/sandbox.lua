local t = use "lib/checks.lua"
local ok, is, boom = t.ok, t.is, t.boom

return experiment {
  name = "sandbox", hypothesis = "ordinary Lua works",
  method = function()
    is(pcall(error, "x"), false)
    is(select(2, pcall(error, "x", 0)), "x")
    is(select(2, xpcall(error, function(e) return e .. "!" end, "x")), "x!")
    is(select("#", xpcall(function(...) return ... end, print, 1, 2)), 3)
    is(load("return 1 + 1")(), 2)
    is(load("return x", "name", "t", { x = 3 })(), 3)
    is(load("return ="), nil)
    is(("checkout"):upper():rep(2, "-"), "CHECKOUT-CHECKOUT")
    is(("k=v"):match("^(%w+)=(%w+)$"), "k")
    is((("a b c"):gsub(" ", ",")), "a,b,c")
    local words = {}
    for word in ("one two"):gmatch("%a+") do
      table.insert(words, word)
    end
    is(table.concat(words, "+"), "one+two")
    table.sort(words, function(a, b) return a > b end)
    is(words[1], "two")
    is(table.remove(words), "one")
    is(table.move({ 1, 2, 3 }, 1, 3, 2, {})[4], 3)
    is(table.unpack({ 7, 8 }, 2), 8)
    is(math.floor(2.5), 2)
    is(string.format("%d %s %.1f", 1, "a", 2.55), "1 a 2.5")
    counter = 1
    is(counter, 1)
    boom("unknown name 'undefined'", function() return undefined end)
    boom("attempt to index a nil value (field 'x')", function() return ({}).x.y end)
  end,
}
