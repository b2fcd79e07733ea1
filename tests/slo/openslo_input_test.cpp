#include "orchestrator/slo/yaml.hpp"
#include "tests/slo/openslo_documents.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace faultline;
using namespace faultline::slo;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(OpenSlo, RefusesFilesWithoutAnSlo) {
  EXPECT_EQ(refusal(""), "f.yaml:1: expected at least one object of kind SLO, found an empty file");
  EXPECT_EQ(refusal("# nothing\n---\n---\n~\n"), refusal(""));
  const auto text = text_of("referenced");
  EXPECT_EQ(refusal(text.substr(0, text.rfind("---"))),
            "f.yaml:1: expected at least one object of kind SLO, found none");
}

TEST(OpenSlo, RefusesWhatIsNoYamlWithTheLine) {
  EXPECT_THAT(refusal("just a sentence"),
              StartsWith("f.yaml:1: document 1: expected a map with apiVersion, kind, metadata, "
                         "spec, found 'just a sentence'"));
  EXPECT_THAT(refusal("a: 1\n\tb: 2\n"), StartsWith("f.yaml:2: "));
  EXPECT_THAT(refusal("a: [1, 2\nb: }\n"), StartsWith("f.yaml:2: this is not YAML: "));
  EXPECT_THAT(refusal("a: 1\na: 2\n"),
              StartsWith("f.yaml:2: the key 'a' stands here for the second time; the first is in "
                         "line 1"));
  EXPECT_THAT(refusal("? [a]\n: b\n"), HasSubstr("a key must be a word, found a list"));
  EXPECT_THAT(refusal("a: !!binary aGk="), HasSubstr("the tag 'tag:yaml.org,2002:binary' is not"));
  EXPECT_THAT(refusal("a: \"\\x1b[31m\""), HasSubstr("found control characters in ' [31m'"));
  EXPECT_THAT(refusal(std::string("a: 1\nb: \0x", 10)),
              StartsWith("f.yaml:2: expected UTF-8 text, found other bytes"));
  EXPECT_THAT(refusal("a: b\nc: d\nname: caf\xE9\n"), StartsWith("f.yaml:3: expected UTF-8 text"));
  EXPECT_THAT(refusal("a: &a [*a]"), HasSubstr("f.yaml:1: "));
  EXPECT_THAT(refusal("a: *nobody"), HasSubstr("f.yaml:1: this is not YAML: "));
}

TEST(OpenSlo, BoundsWhatAFileMayCost) {
  EXPECT_THAT(refusal("a: " + std::string(max_yaml_bytes, 'x')),
              HasSubstr("a file may have at most 1024 KiB"));
  EXPECT_THAT(refusal(std::string(1'000, '[')), HasSubstr("nested at most 32 deep"));
  std::string many = "a: [x";
  for (std::size_t i = 0; i < max_yaml_nodes; ++i) {
    many += ", x";
  }
  EXPECT_THAT(refusal(many + "]"), HasSubstr("at most 100000 values"));
  std::string documents;
  for (std::size_t i = 0; i <= max_yaml_documents; ++i) {
    documents += "---\na: 1\n";
  }
  EXPECT_THAT(refusal(documents), HasSubstr("at most 1000 documents"));
}

TEST(OpenSlo, AliasesCountAsWhatTheyStandFor) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [", i);
    for (int copy = 0; copy < 10; ++copy) {
      bomb += fmt::format("{}*a{}", copy == 0 ? "" : ", ", i - 1);
    }
    bomb += "]\n";
  }
  EXPECT_THAT(refusal(bomb), HasSubstr("values, aliases counted as what they stand for"));
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    chain += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
  }
  EXPECT_THAT(refusal(chain), HasSubstr("nested at most 32 deep"));
}

TEST(OpenSlo, BoundsTheObjectivesOfAnSloAndOfAFile) {
  std::string objectives;
  for (int i = 0; i < 100; ++i) {
    objectives += "      - target: 0.5\n";
  }
  const auto text = text_of("raw");
  const auto slo =
      edited(text.substr(text.rfind("- apiVersion")), "      - target: 0.995\n", objectives);
  std::string file;
  for (int i = 0; i < 10; ++i) {
    file += edited(slo, "name: catalog-errors", fmt::format("name: n{}", i));
  }
  EXPECT_EQ(read_openslo(file, "f.yaml").value().size(), 1'000u);
  EXPECT_THAT(refusal(file + slo), HasSubstr("a file may hold at most 1000 objectives"));
  EXPECT_THAT(refusal(slo + "      - target: 0.5\n"),
              HasSubstr("spec.objectives: at most 100 items are read, found 101"));
}

TEST(OpenSlo, EveryTruncationIsReadOrRefusedInWords) {
  for (const auto& name : document_names) {
    const auto text = text_of(name);
    std::size_t read = 0;
    for (std::size_t length = 0; length < text.size(); ++length) {
      const auto slos = read_openslo(text.substr(0, length), "f.yaml");
      read += slos ? 1 : 0;
      if (!slos) {
        EXPECT_THAT(slos.error().message, AllOf(StartsWith("f.yaml:"), HasSubstr(": ")));
      }
    }
    EXPECT_GT(read, 0u) << name << ": the last line break is not needed";
    EXPECT_LT(read, text.size() / 2) << name;
  }
}

TEST(OpenSlo, MutatedBytesAreReadOrRefusedInWords) {
  std::mt19937 random(20'260'101);  // one seed, so that a failure comes again
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  constexpr std::string_view telling = "[]{}:,-?&*!|>'\"%@` \t\n#~0.\\\xC3";
  for (int round = 0; round < 4'000; ++round) {
    auto text = text_of(document_names[below(document_names.size())]);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      text[below(text.size())] =
          below(4) == 0 ? static_cast<char>(below(256)) : telling[below(telling.size())];
    }
    const auto slos = read_openslo(text, "f.yaml");
    if (!slos) {
      ASSERT_THAT(slos.error().message, StartsWith("f.yaml:")) << text;
    }
  }
}
