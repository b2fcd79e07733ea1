#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

/// Whatever a script does, it ends with a message: no crash, no hang.
namespace faultline::script {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Bad {
  const char* name;
  std::string script;
  std::vector<std::string> said;  ///< parts of the message
  ErrorKind kind = ErrorKind::usage;
};

void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}

class BadScript : public testing::TestWithParam<Bad> {};

TEST_P(BadScript, IsRefusedWithAMessage) {
  const auto error = wrong_with(GetParam().script);
  EXPECT_EQ(error.kind, GetParam().kind) << error.message;
  for (const auto& part : GetParam().said) {
    EXPECT_THAT(error.message, HasSubstr(part));
  }
  EXPECT_FALSE(error.message.empty());
}

std::string nested(int depth) {
  return "return " + std::string(static_cast<std::size_t>(depth), '{') +
         std::string(static_cast<std::size_t>(depth), '}');
}

const auto name_of = [](const testing::TestParamInfo<Bad>& info) {
  return std::string(info.param.name);
};

INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadScript,
    testing::Values(
        Bad{"Empty", "", {"expected the script to end with: return experiment"}},
        Bad{"Syntax", "local x = = 1", {"x.lua:1:", "unexpected symbol"}},
        Bad{"Bytecode", "\x1bLua", {"expected a script as text"}},
        Bad{"NoName",
            "return experiment { hypothesis = 'h', method = print }",
            {"x.lua:1", "'name' is missing"}},
        Bad{"NameWithPath",
            "return experiment { name = '../x', hypothesis = 'h', method = print }",
            {"'name' must be of a-z"}},
        Bad{"MisspeltField",
            "return experiment {\n  name = 'x',\n  hypotesis = 'h' }",
            {"x.lua:3: experiment: unknown field 'hypotesis'; did you mean 'hypothesis'?"}},
        Bad{"MethodIsNoFunction",
            "return experiment { name = 'x', hypothesis = 'h', method = 3 }",
            {"must be a function(run, p)", "found 3"}},
        Bad{"MisspeltGlobal",
            with_method("run:expect(recoverd 'sessions')"),
            {"x.lua:1", "unknown name 'recoverd'; did you mean 'recovered'?"}},
        Bad{"MisspeltMethod",
            with_method("run:bseline()"),
            {"run has no method 'bseline'; did you mean 'baseline'?"}},
        Bad{"DotInsteadOfColon",
            with_method("run.baseline()"),
            {"write run:baseline with a colon"}},
        Bad{"MisspeltFault",
            with_method("run:inject(fault.redis_failovr { cache = 'sessions' })"),
            {"x.lua:1", "unknown fault 'redis_failovr'; did you mean 'redis_failover'?"}},
        Bad{"MisspeltParameter",
            with_method(
                "run:inject(fault.redis_failover {\n cache = 'sessions',\n mod = 'hang' })"),
            {"x.lua:3:", "unknown field 'mod'; did you mean 'mode'?"}},
        Bad{"UnknownMode",
            with_method("run:inject(fault.redis_failover { cache = 'sessions', mode = 'hung' })"),
            {"x.lua:1:", "'hung' is no mode here; did you mean 'hang'?"}},
        Bad{"UnknownZone",
            with_method("run:inject(fault.az_partition { zone = 'x' })"),
            {"x.lua:1:", "'x' is no zone here", "a, b, c"}},
        Bad{"MissingZone",
            with_method("run:inject(fault.az_partition())"),
            {"x.lua:1:", "'zone' is missing"}},
        Bad{"InjectsANumber",
            with_method("run:inject(3)"),
            {"must be a fault such as fault.redis_failover", "found 3"}},
        Bad{"NumberForDuration",
            with_method("run:wait(20)"),
            {"x.lua:1:", "expected a duration such as 20*s, found 20"}},
        Bad{"DurationForPercent",
            with_method("run:expect(good('login', 20*s), { over = 20*s })"),
            {"expected a percentage", "found the duration 20 s"}},
        Bad{"PercentAbove100", with_method("good('login', 970)"), {"from 1 to 100", "found 970"}},
        Bad{"NotANumber", with_method("good('login', 0/0)"), {"expected a percentage"}},
        Bad{"EndlessDuration", with_method("run:wait(math.huge * s)"), {"at most a year"}},
        Bad{"NegativeWait", with_method("run:wait(-1*s)"), {"above 0"}},
        Bad{"AddsNumberToDuration",
            with_method("run:wait(5*s + 3)"),
            {"two durations such as 20*s", "found the duration 5 s and 3"}},
        Bad{"UnknownProbe",
            with_method("good('logn', 99)"),
            {"unknown probe 'logn'; did you mean 'login'?"}},
        Bad{"UnknownCache", with_method("recovered 'session'"), {"did you mean 'sessions'?"}},
        Bad{"UnknownRto",
            with_method("rto 'order'"),
            {"unknown cache or database with an rto 'order'; did you mean 'orders'?"}},
        Bad{"UnknownStore",
            with_method("lost('login', 0)"),
            {"unknown cache, database or writer 'login'"}},
        Bad{"TwoWritersShowOneRecovery",
            "return experiment { name = 'x', hypothesis = 'h', probes = { more = sql_writes { "
            "database = 'orders', address = '10.0.0.30:3306', rate = 1 } }, method = function(run) "
            "recovered 'orders' end }",
            {"more and orders all write to 'orders'", "shows_recovery = false"}},
        Bad{"RecoveryFromTheInside",
            "return experiment { name = 'x', hypothesis = 'h', probes = { inside = sql_writes { "
            "database = 'orders', address = '10.0.0.30:3306', rate = 1, shows_recovery = false } "
            "}, method = function(run) recovered 'inside' end }",
            {"'inside' has shows_recovery = false"}},
        Bad{"ProbeOfAKnownName",
            "return experiment { name = 'x', hypothesis = 'h', probes = { login = tcp { address = "
            "'10.0.0.10:80', rate = 1 } }, method = print }",
            {"the environment has one of that name"}},
        Bad{"ProbeOnAnUnknownHost",
            "return experiment { name = 'x', hypothesis = 'h', probes = { near = tcp { address = "
            "'10.0.0.10:80', rate = 1, from = 'a-reserve' } }, method = function(run) end }",
            {"unknown host 'a-reserve'; did you mean 'a-reserved'?"}},
        Bad{"ComparedWithoutABaseline",
            with_method("run:expect(latency('login', { versus_baseline = { times = 2 } }), { over "
                        "= 20*s })"),
            {"x.lua:1:", "no baseline yet to compare with"}},
        Bad{"BaselineCannotExpress",
            with_method(
                "run:baseline(3*s) run:expect(latency('login', { p = 99.9, versus_baseline = "
                "{ times = 2 } }), { over = 20*s })"),
            {"x.lua:1:", "in the baseline, 99.9 % of 'login' cannot be expressed"}},
        Bad{"BaselineTooShortForSteadyState",
            with_method("run:baseline(1*s)"),
            {"in a baseline of 1 s, 99 % of 'catalog' cannot be expressed"}},
        Bad{"BurnOfOneRequest",
            with_method(
                "run:expect(burn('login', { slo = 99.9, windows = { { long = 1*s, factor = 2 "
                "} } }), { over = 5*s })"),
            {"a single bad one burns the budget of 99.9 %"}},
        Bad{"BurnThatNothingReaches",
            with_method("run:expect(burn('login', { slo = 99, windows = { { long = 60*s, factor = "
                        "100 } } }), { over = 20*s })"),
            {"burns 100 times as fast as allowed, so it is never above 100"}},
        Bad{"BurnWithoutABudget",
            with_method("run:expect(burn('login', { slo = 100, windows = { { long = 60*s, factor = "
                        "2 } } }), { over = 20*s })"),
            {"has no budget that could burn"}},
        Bad{"BurnThatLooksBackToBeforeTheLoad",
            with_method("run:baseline(2*s) run:expect(burn('orders', { slo = 99.9, windows = { { "
                        "long = 60*s, factor = 2 } } }), { over = 20*s })"),
            {"x.lua:1: 4 s after the load has begun, burn: 4 s of 'orders'"}},
        Bad{"AsManyBadAsAreSent",
            with_method("run:expect(bad('login', 300), { over = 5*s })"),
            {"are 300 requests, so this holds whatever happens"}},
        Bad{"APartOfABadRequest",
            with_method("run:expect(bad('login', 1.5), { over = 5*s })"),
            {"expected a whole number, found 1.5"}},
        Bad{"ShareInsteadOfPercent",
            with_method("run:expect(good('login', 0.97), { over = 5*s })"),
            {"expected a percentage from 1 to 100 such as 97, found 0.97"}},
        Bad{"RecoveryBeyondTheCap",
            with_method("local f = run:inject(fault.redis_failover { cache = 'sessions' }) "
                        "run:expect(recovered 'orders', { from = f, within = 100*s })"),
            {"watched for 60 s, the environment's recovery_cap"}},
        Bad{"MoreThanIsSent",
            with_method("run:expect(throughput('login', 100), { over = 5*s })"),
            {"sends 60 requests a second, so 100 good ones cannot be"}},
        Bad{"AsManyBadSecondsAsThereAre",
            with_method("run:expect(bad_seconds('login', 5), { over = 5*s })"),
            {"holds whatever happens"}},
        Bad{"NoPrometheus",
            with_method("run:expect(alert 'Broken', { within = 5*s })"),
            {"run:expect (", "asks a Prometheus, and the environment has none"}},
        Bad{"LatencyWithoutALimit",
            with_method("latency('login', { p = 99 })"),
            {"either below = 500*ms or versus_baseline"}},
        Bad{"ReclaimOfAReservedNode",
            with_method("run:inject(fault.spot_reclaim { instances = instances { spot = false } "
                        "})"),
            {"x.lua:1:", "a-reserved is no spot node"}},
        Bad{"NoWindow", with_method("run:expect(bad('login', 3))"), {"'over' is missing"}},
        Bad{"WithinForShare",
            with_method("run:expect(good('login', 97), { within = 5*s })"),
            {"'within' does not fit here"}},
        Bad{"RecoveryFromNothing",
            with_method("run:expect(recovered 'sessions')"),
            {"write from ="}},
        Bad{"WindowCannotExpress",
            with_method("run:expect(good('login', 99.9), { over = 5*s })"),
            {"x.lua:1:", "99.9 % of 'login'", "300 requests", "1000"}},
        Bad{"UnknownRequirement",
            "return experiment { name = 'x', hypothesis = 'h', requires = { replicas('s', 1) }, "
            "method = print }",
            {"unknown cache or database 's'"}},
        Bad{"UnknownObjective",
            "return experiment { name = 'x', hypothesis = 'h', steady_state = slo { 'logins' }, "
            "method = print }",
            {"unknown objective 'logins'; did you mean 'login'?"}},
        Bad{"MisspeltParam",
            "return experiment { name = 'x', hypothesis = 'h', params = { mode = 'a' }, "
            "method = function(run, p) return p.mod end }",
            {"no parameter 'mod'; did you mean 'mode'?"}},
        Bad{"VariantNotAChoice",
            "return experiment { name = 'x', hypothesis = 'h', params = { m = one_of { 'crash' } "
            "}, "
            "variants = { { m = 'crahs' } }, method = print }",
            {"variant 1", "did you mean 'crash'?"}},
        Bad{"SelectorMatchesNothing",
            with_method("instances { service = 'nothing' }"),
            {"x.lua:1:", "matches nothing"},
            ErrorKind::not_found},
        Bad{"SelectorAtLoad", "zone_of('sessions') return 1", {"only inside of the method"}},
        Bad{"EnvironmentInstead",
            "return environment { name = 'x' }",
            {"read as an experiment, found environment"}},
        Bad{"SecondBaseline", with_method("run:baseline() run:baseline()"), {"once"}},
        Bad{"UseOfNothing", "use 'lib/none.lua'", {"no such file"}},
        Bad{"UseClimbs", "use '../x.lua'", {"the script's own tree"}},
        Bad{"UseAbsolute", "use '/etc/passwd'", {"the script's own tree"}},
        Bad{"UseInMethod", with_method("use 'x.lua'"), {"top of a script"}},
        Bad{"UseItself", "return use 'x.lua'", {"circle"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Bombs, BadScript,
    testing::Values(
        Bad{"EndlessLoop", "while true do end", {"x.lua:1", "budget of 20000000 instructions"}},
        Bad{"EndlessLoopInMethod", with_method("while true do end"), {"x.lua:1", "instructions"}},
        Bad{"EndlessLoopInPcall",
            "while true do pcall(function() while true do end end) end",
            {"instructions"}},
        Bad{"EndlessHandler",
            "xpcall(function() while true do end end, function() while true do end end)",
            {"instructions"}},
        Bad{"EndlessHandlerOfError",
            "xpcall(error, function() while true do end end)",
            {"instructions"}},
        Bad{"EndlessToString",
            "print(setmetatable({}, { __tostring = function() while true do end end }))",
            {"instructions"}},
        Bad{"EndlessIndex",
            "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
            {"instructions"}},
        Bad{"EndlessClose",
            "pcall(function() local x <close> = setmetatable({}, { __close = function() "
            "while true do end end }) error('x') end)",
            {"instructions"}},
        Bad{"EndlessSwallower",
            "local function f() pcall(f) while true do pcall(f) end end f()",
            {"instructions"}},
        Bad{"MemoryBomb",
            "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
            {"x.lua:1", "memory"}},
        Bad{"ManyStrings",
            "local t = {} while true do t = { t, ('x'):rep(100000) .. tostring(t) } end",
            {"x.lua:1", "32 MiB of memory"}},
        Bad{"MemoryBombInPcall",
            "local t = {} while true do pcall(function() t = { t, ('x'):rep(100000) .. tostring(t) "
            "}"
            " end) end",
            {"32 MiB of memory"}},
        Bad{"Rep", "return ('x'):rep(1e9)", {"x.lua:1", "at most 1024 KiB"}},
        Bad{"RepOfNothing", "return (''):rep(1 << 60)", {"string.rep"}},
        Bad{"RepInPcall", "while true do pcall(string.rep, 'x', 1e9) end", {"instructions"}},
        Bad{"Doubling", "local s = 'x' while true do s = s .. s end", {"x.lua:1", "1024 KiB"}},
        Bad{"ConcatOfNothing",
            "table.concat(setmetatable({}, { __index = table.concat }), '', 1, 1 << 60)",
            {"plain lists"}},
        Bad{"ConcatRange", "table.concat({}, '', 1, 1 << 60)", {"at most 65536 items"}},
        Bad{"MoveRange", "table.move({}, 1, 1 << 60, 2)", {"at most 65536 items"}},
        Bad{"InsertLength",
            "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
            {"plain lists"}},
        Bad{"InsertSparse",
            "local t = {} for i = 0, 62 do t[1 << i] = 1 end t[3] = 1 t[5] = 1 table.insert(t, 1, "
            "1)",
            {"at most 65536 items"}},
        Bad{"SortByC", "table.sort({ 1, 2 }, rawequal)", {"written in Lua"}},
        Bad{"Pattern", "return ('a'):rep(60000):match('.-.-.-.-b')", {"x.lua:1", "too long"}},
        Bad{"PlainFind",
            "return ('a'):rep(1000000):find(('a'):rep(500000) .. 'b', 1, true)",
            {"too long"}},
        Bad{"Gsub", "return ('a'):rep(60000):gsub('a*b', '')", {"too long"}},
        Bad{"DeepRecursion",
            "local function f() return 1 + f() end return f()",
            {"x.lua:1", "1024 KiB"}},
        Bad{"DeepRecursionInC",
            "local function f() return (('x'):gsub('x', f)) end return f()",
            {"C stack overflow"}},
        Bad{"DeepRecursionInPcall",
            "local function f() return pcall(f) end f() return f()",
            {"expected the script to end"}},
        Bad{"DeepNesting", nested(100000), {"x.lua: C stack overflow"}},
        Bad{"DeepParams",
            "local t = {} for i = 1, 100 do t = { t } end return one_of { t }",
            {"tables deep"}},
        Bad{"EndlessUnpack", "return table.unpack({}, 1, 1e8)", {"too many results"}},
        Bad{"EndlessSteps", with_method("while true do run:wait(1*s) end"), {"10000 steps"}},
        Bad{"CircularParams", "local t = {} t.x = t return one_of { t }", {"tables deep"}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Tricks, BadScript,
    testing::Values(
        Bad{"ErrorTable", "error({ code = 1 })", {"raised a table value"}},
        Bad{"ErrorNil", "error(nil)", {"raised a nil value"}},
        Bad{"ErrorWithToString",
            "error(setmetatable({}, { __tostring = function() while true do end end }))",
            {"raised a table value"}},
        Bad{"ErrorInMethod", with_method("error({})"), {"raised a table value"}},
        Bad{"ErrorWithControlCharacters", "error('a\\27[2J\\255\\0b')", {"x.lua:1: a"}},
        Bad{"Finalizer", "setmetatable({}, { __gc = function() end })", {"finalizers"}},
        Bad{"LoadOfBytecode", "assert(load('\\27Lua'))", {"attempt to load a binary chunk"}},
        Bad{"Io", "io.open('/etc/passwd')", {"unknown name 'io'"}},
        Bad{"Os", "os.execute('true')", {"unknown name 'os'"}},
        Bad{"Require", "require 'os'", {"unknown name 'require'"}},
        Bad{"Debug", "debug.getregistry()", {"unknown name 'debug'"}},
        Bad{"Coroutine", "coroutine.wrap(print)", {"unknown name 'coroutine'"}},
        Bad{"CollectGarbage", "collectgarbage('stop')", {"unknown name 'collectgarbage'"}},
        Bad{"Dofile", "dofile('/etc/passwd')", {"unknown name 'dofile'"}},
        Bad{"Dump", "string.dump(print)", {"attempt to call a nil value (field 'dump')"}},
        Bad{"StringMetatable", "getmetatable('').__index = nil", {"x.lua:1"}},
        Bad{"GlobalMetatable", "setmetatable(_G, nil)", {"protected metatable"}},
        Bad{"MethodsOfRun", with_method("getmetatable(run).__gc(run)"), {"x.lua:1"}},
        Bad{"ForeignRevert",
            with_method("run:inject(fault.az_partition { zone = 'a' }).revert(run)"),
            {"must be what run:inject returned, found run"}},
        Bad{"DuringWithoutList",
            with_method("run:during(fault.az_partition, print)"),
            {"x.lua:1", "takes a list of faults"}},
        Bad{"DuringWithoutFunction",
            with_method("run:during({ fault.az_partition { zone = 'a' } })"),
            {"x.lua:1", "expected a function(f)"}},
        Bad{"NotUtf8",
            "return experiment { name = 'x', hypothesis = '\\255', method = print }",
            {"UTF-8"}}),
    name_of);

TEST(BadInput, MessagesHaveNoControlCharacters) {
  const auto error = wrong_with("error('a\\27[2J\\255\\0b')");
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  EXPECT_EQ(error.message.find('\0'), std::string::npos);
}

TEST(BadInput, AStopIsNotSwallowedByPcallNorByReturning) {
  const auto error = wrong_with("pcall(function() while true do end end) " + with_method(""));
  EXPECT_THAT(error.message, HasSubstr("instructions"));
}

TEST(BadInput, WhatTheTargetCannotDoIsNamed) {
  const Folder folder;
  const auto experiment =
      load(folder,
           with_method("run:inject(fault.redis_failover { cache = 'sessions', mode = 'hang' })"));
  ASSERT_TRUE(experiment);
  const auto steps = dry_run(*experiment, lab_environment(), {lab_world(), {"process.kill"}});
  ASSERT_FALSE(steps);
  EXPECT_EQ(steps.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(steps.error().message,
              AllOf(HasSubstr("redis_failover needs process.stop"), HasSubstr("target 'lab'")));
}

TEST(BadInput, AMissingFileAndAFolderAreNamed) {
  const Folder folder;
  const auto missing = load_experiment(folder.path() / "no.lua", lab_environment(), {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, AllOf(HasSubstr("no.lua"), HasSubstr("nothing there")));
  const auto directory = load_experiment(folder.path(), lab_environment(), {});
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message, HasSubstr("something else"));
}

TEST(BadInput, ALinkOutOfTheTreeIsNotFollowed) {
  const Folder outside;
  const auto secret = outside.write("secret.lua", "return 'secret'");
  const Folder folder;
  folder.write("drills/x.lua", "return use 'link.lua'");
  std::filesystem::create_symlink(secret, folder.path() / "drills/link.lua");
  const auto experiment = load_experiment(folder.path() / "drills/x.lua", lab_environment(), {});
  ASSERT_FALSE(experiment);
  EXPECT_THAT(experiment.error().message, HasSubstr("leads out of the script's tree"));
}

}  // namespace
}  // namespace faultline::script
