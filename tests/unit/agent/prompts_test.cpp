#include "agent/prompts.hpp"

#include <set>

#include "support.hpp"

namespace mstage::agent {
namespace {

using test::contains;
using test::error_of;
using Values = std::map<std::string, std::string>;

/// An argument for each parameter that needs one.
Values needed_by(const Prompt& prompt) {
    Values values;
    for (const PromptParameter& parameter : prompt.parameters) {
        if (parameter.required) {
            values[parameter.name] = "value-of-" + parameter.name;
        }
    }
    return values;
}

std::string fill(const char* name, const Values& values) {
    return fill_prompt(*find_prompt(name), values);
}

std::string fault(const char* name, const Values& values) {
    return error_of<UsageError>([&] { fill(name, values); }).message();
}

/// The names in the places of the text.
std::set<std::string> places(std::string_view text) {
    std::set<std::string> names;
    for (size_t open = text.find("{{"); open != std::string_view::npos;
         open = text.find("{{", open + 2)) {
        names.emplace(text.substr(open + 2, text.find("}}", open) - open - 2));
    }
    return names;
}

TEST(Prompts, HaveEachParameterInAPlace) {
    EXPECT_EQ(prompts().size(), 10U);
    for (const Prompt& prompt : prompts()) {
        std::set<std::string> names;
        for (const PromptParameter& parameter : prompt.parameters) {
            names.insert(parameter.name);
            EXPECT_FALSE(parameter.required && parameter.default_value) << prompt.name;
            EXPECT_FALSE(parameter.description.empty()) << prompt.name;
        }
        EXPECT_EQ(places(prompt.body), names) << prompt.name;
        EXPECT_TRUE(prompt.body.starts_with("# ")) << prompt.name;
        EXPECT_FALSE(prompt.title.empty()) << prompt.name;
        EXPECT_FALSE(prompt.description.empty()) << prompt.name;
    }
}

TEST(Prompts, AreFilledWithDefaults) {
    for (const Prompt& prompt : prompts()) {
        const std::string text = fill_prompt(prompt, needed_by(prompt));
        EXPECT_FALSE(contains(text, "{{")) << prompt.name;
        EXPECT_LT(text.size(), 8000U) << prompt.name;
        for (const PromptParameter& parameter : prompt.parameters) {
            const std::string value = parameter.default_value.value_or(
                parameter.required ? "value-of-" + parameter.name : "none");
            EXPECT_TRUE(contains(text, value)) << prompt.name << ": " << parameter.name;
        }
    }
}

TEST(Prompts, OfAMultiStageBuildSayWhatTheStagesAre) {
    const std::string text = fill(
        "multi-stage-build", {{"source", "/home/user/project"}, {"install_cmd", "cargo fetch"}});
    for (const char* part :
         {"`/home/user/project`", "`cargo fetch`", "`python -m build`", "`pytest`",
          "tag:python:3.11-slim", "docker://docker.io/library/python:3.11-slim", "`rsync`",
          "`deps-installed`", "`build-complete`", "`disposable=false`", "`disposable=true`",
          "`result_image`", "`failed_state`", "Rollback strategy", "how to resume"}) {
        EXPECT_TRUE(contains(text, part)) << part;
    }
}

TEST(FillPrompt, PutsHostileValuesInToTheLetter) {
    for (const std::string value :
         {"echo `date` ```", "a\nb\n", "{{image}}", "{{", "\"quoted\" 'twice' \\ $x %s",
          "zwölf Boxkämpfer 🥊", "# no title\n- no list\n```\nfence\n```"}) {
        const std::string text = fill("run-shell", {{"command", value}});
        const size_t place = text.find(value);
        ASSERT_NE(place, std::string::npos) << value;
        EXPECT_EQ(text.find(value, place + 1), std::string::npos) << value;
        EXPECT_TRUE(contains(text, "Image: `ubuntu:noble`")) << text;
        EXPECT_TRUE(contains(text, "\n\n1. Find the image")) << "the text goes on: " << text;
    }
}

TEST(FillPrompt, TakesAnEmptyValueForNone) {
    EXPECT_EQ(fill("run-shell", {{"command", "ls"}, {"image", ""}}),
              fill("run-shell", {{"command", "ls"}}));
    EXPECT_TRUE(contains(fill("prepare-environment", {{"task", "count"}, {"packages", " "}}),
                         "- Packages: none\n"));
}

TEST(FillPrompt, NamesAllThatIsWrong) {
    EXPECT_EQ(fault("sync-and-run", {}),
              "prompt 'sync-and-run': parameter 'source' is missing, parameter 'command' is "
              "missing");
    EXPECT_EQ(fault("sync-and-run", {{"source", " \n"}, {"comand", "x"}}),
              "prompt 'sync-and-run': parameter 'source' is empty, parameter 'command' is missing, "
              "parameter 'comand' is unknown");
    EXPECT_EQ(error_of<UsageError>([] { fill("run-shell", {}); }).hint(),
              "it takes: command (required), image (default: ubuntu:noble)");
}

TEST(FindPrompt, KnowsOnlyNames) {
    EXPECT_NE(find_prompt("inspect-image"), nullptr);
    for (const char* name : {"", "inspect", "inspect-image.md", "../guide/state"}) {
        EXPECT_EQ(find_prompt(name), nullptr) << name;
    }
}

}  // namespace
}  // namespace mstage::agent
