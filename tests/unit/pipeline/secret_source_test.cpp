#include "pipeline/secret_source.hpp"

#include "support.hpp"

namespace mstage::pipeline {
namespace {

using Kind = SecretSource::Kind;

TEST(SecretSourceTest, VariablesAndFiles) {
    EXPECT_EQ(parse_secret("a=env:TOKEN"), (SecretSource{"a", Kind::variable, "TOKEN"}));
    EXPECT_EQ(parse_secret("a=TOKEN"), (SecretSource{"a", Kind::variable, "TOKEN"}));
    EXPECT_EQ(parse_secret("a.b-C_1=file:TOKEN"), (SecretSource{"a.b-C_1", Kind::file, "TOKEN"}));
    EXPECT_EQ(parse_secret("a=./x"), (SecretSource{"a", Kind::file, "./x"}));
    EXPECT_EQ(parse_secret("a=.npmrc"), (SecretSource{"a", Kind::file, ".npmrc"}));
    EXPECT_EQ(parse_secret("a=/x/y=z"), (SecretSource{"a", Kind::file, "/x/y=z"}));
}

TEST(SecretSourceTest, WrongOnes) {
    for (const char* text : {"", "a", "=x", "a b=x", ".a=x", "../a=x", "a/b=x"}) {
        EXPECT_THROW(parse_secret(text), UsageError) << text;
    }
    for (const char* text : {"a=", "a=1x", "a=my-token", "a=file:", "a=env:", "a=env:x/y"}) {
        const auto error = test::error_of<UsageError>([&] { parse_secret(text); });
        EXPECT_TRUE(test::contains(error.message(), "secret 'a'")) << error.message();
    }
}

TEST(SecretSourceTest, DoNotRepeatWhatMayBeTheValue) {
    for (const char* text : {"hunter2!!", "a=hunter2!!"}) {
        const auto error = test::error_of<UsageError>([&] { parse_secret(text); });
        EXPECT_FALSE(test::contains(error.message() + error.hint(), "hunter2")) << text;
    }
}

TEST(SecretSourceTest, AreSortedAndHaveDifferentIds) {
    const auto secrets = parse_secrets({"b=B", "a=A"});
    ASSERT_EQ(secrets.size(), 2U);
    EXPECT_EQ(secrets[0].id, "a");
    EXPECT_THROW(parse_secrets({"a=A", "a=B"}), UsageError);
}

TEST(SecretSourceTest, Descriptions) {
    EXPECT_EQ(describe(parse_secret("a=TOKEN")), "environment variable 'TOKEN'");
    EXPECT_EQ(describe(parse_secret("a=/x")), "file '/x'");
}

}  // namespace
}  // namespace mstage::pipeline
