#pragma once

#include "tests/load/load_run.hpp"
#include "tests/load/servers.hpp"
#include "tests/net/loopback.hpp"

#include <gmock/gmock.h>

/// What every story about a kind of load begins with: a worker, servers, words to expect with.
using namespace faultline::load;
using namespace faultline::load::testing;
using namespace std::chrono_literals;
using faultline::net::DeafListener;
using faultline::net::free_port;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Pair;
