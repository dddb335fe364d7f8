#include "pipeline/compile_commands.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support.hpp"

namespace mstage::pipeline {
namespace {

using test::contains;
using test::error_of;

Json mapped(const Json& entry,
            const std::vector<PathMapping>& mappings = {{"/app", "/home/u/src"}}) {
    return map_compile_commands(Json::array({entry}), mappings).at(0);
}

std::string word(const std::string& text) {
    return mapped({{"arguments", {text}}}).at("arguments").at(0);
}

std::string line(const std::string& text) {
    return mapped({{"command", text}}).at("command");
}

TEST(CompileCommands, HaveTheirFieldsMapped) {
    const Json entry = mapped({{"directory", "/app/build"},
                               {"file", "/app/a.cpp"},
                               {"output", "/app/build/a.o"},
                               {"command", "c++ -c /app/a.cpp"},
                               {"other", "/app"}});
    EXPECT_EQ(entry, (Json{{"directory", "/home/u/src/build"},
                           {"file", "/home/u/src/a.cpp"},
                           {"output", "/home/u/src/build/a.o"},
                           {"command", "c++ -c /home/u/src/a.cpp"},
                           {"other", "/app"}}));
}

TEST(CompileCommands, HavePathsMappedWhereverAWordHasThem) {
    EXPECT_EQ(word("/app"), "/home/u/src");
    EXPECT_EQ(word("-I/app/x"), "-I/home/u/src/x");
    EXPECT_EQ(word("-isystem/app/x"), "-isystem/home/u/src/x");
    EXPECT_EQ(word("-o/app/x.o"), "-o/home/u/src/x.o");
    EXPECT_EQ(word("--sysroot=/app/root"), "--sysroot=/home/u/src/root");
    EXPECT_EQ(word("-DX=\"/app\""), "-DX=\"/home/u/src\"");
    EXPECT_EQ(word("-DX=\"/app/y\""), "-DX=\"/home/u/src/y\"");
    EXPECT_EQ(word("-Wl,-rpath,/app/lib:/app/lib2"), "-Wl,-rpath,/home/u/src/lib:/home/u/src/lib2");
    EXPECT_EQ(word("-ffile-prefix-map=/app=."), "-ffile-prefix-map=/home/u/src=.");
    EXPECT_EQ(word("@/app/x.rsp"), "@/home/u/src/x.rsp");
}

TEST(CompileCommands, KeepPathsThatOnlyLookAlike) {
    for (const char* other :
         {"/app2", "/app2/x", "/application", "/app-x", "/app.old/x", "/usr/app/x", "-I../app/x",
          "-I/usr/app", "app/x", "-DX=/apps", "//app/x", "-fapp/app/x", "file:///app/x"}) {
        EXPECT_EQ(word(other), other);
    }
}

TEST(CompileCommands, HaveCommandLinesTakenApart) {
    EXPECT_EQ(line("cc  -I/app/x\t-c '/app/with space.c'"),
              "cc -I/home/u/src/x -c '/home/u/src/with space.c'");
    EXPECT_EQ(line("cc \"/app/with space.c\""), "cc '/home/u/src/with space.c'");
    EXPECT_EQ(line("cc /app/with\\ space.c"), "cc '/home/u/src/with space.c'");
    EXPECT_EQ(line("cc -DX=\\\"/app\\\" \"-DY=\\\"a b\\\"\""),
              "cc '-DX=\"/home/u/src\"' '-DY=\"a b\"'");
    EXPECT_EQ(line("cc '' a\"b\"'c' \"\\a\\\\\""), "cc '' abc '\\a\\'");
    EXPECT_EQ(line("cc \"/app/open"), "cc /home/u/src/open");
    EXPECT_EQ(line("  "), "");
}

TEST(CompileCommands, HaveTheLongestMappingThatFits) {
    const std::vector<PathMapping> mappings = {
        {"/app", "/src"}, {"/app/build", "/out"}, {"/src", "/never"}};
    const Json entry =
        mapped({{"arguments", {"/app/x", "/app/build/x", "/app/build2/x"}}}, mappings);
    EXPECT_EQ(entry.at("arguments"), (Json{"/src/x", "/out/x", "/src/build2/x"}));
}

TEST(CompileCommands, AreNotTakenForWhatTheyAreNot) {
    const auto message = [](const Json& json) {
        return error_of([&] { map_compile_commands(json, {}); }).message();
    };
    EXPECT_TRUE(contains(message(Json::object()), "no list"));
    EXPECT_TRUE(contains(message({Json::object(), 5}), "entry 2: not an object"));
    EXPECT_TRUE(contains(message({{{"file", 5}}}), "'file' has the wrong type"));
    EXPECT_EQ(map_compile_commands(Json::array(), {}), Json::array());
}

TEST(PathMapping, IsTwoAbsolutePaths) {
    const PathMapping mapping = parse_path_mapping("/app/=/home/u/a=b/");
    EXPECT_EQ(mapping.from, "/app");
    EXPECT_EQ(mapping.to, "/home/u/a=b");
    EXPECT_EQ(parse_path_mapping("/app=/").to, "/");
    for (const char* wrong : {"", "/app", "app=/x", "/app=x", "=/x"}) {
        EXPECT_TRUE(
            contains(error_of<UsageError>([&] { parse_path_mapping(wrong); }).message(), "FROM=TO"))
            << wrong;
    }
    EXPECT_TRUE(contains(error_of<UsageError>([&] { parse_path_mapping("/=/x"); }).message(),
                         "every path is below '/'"));
}

}  // namespace
}  // namespace mstage::pipeline
