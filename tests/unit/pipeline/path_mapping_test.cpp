#include "pipeline/path_mapping.hpp"

#include "support.hpp"

namespace mstage::pipeline {
namespace {

const PathMapper k_mapper({{"/home/me/app", "/app"}, {"/home/me/app/build", "/build"}});

TEST(PathMapper, MapsWordsOfACommandLine) {
    EXPECT_EQ(k_mapper.word("/home/me/app/build/unit_test"), "/build/unit_test");
    EXPECT_EQ(k_mapper.word("--data=/home/me/app/data:/home/me/app/build"),
              "--data=/app/data:/build");
    EXPECT_EQ(k_mapper.word("/home/me/app"), "/app");
    EXPECT_EQ(k_mapper.word("/home/me/apple"), "/home/me/apple");
    EXPECT_EQ(k_mapper.word("/mnt/home/me/app"), "/mnt/home/me/app");
    const PathMapper to_root(std::vector<PathMapping>{{"/image", "/"}});
    EXPECT_EQ(to_root.word("/image/etc"), "/etc");
    EXPECT_EQ(to_root.word("/image"), "/");
    EXPECT_EQ(to_root.directory("/image/etc"), "/etc");
    EXPECT_EQ(to_root.directory("/image"), "/");
}

TEST(PathMapper, MapsDirectories) {
    EXPECT_EQ(k_mapper.directory("/home/me/app/build/sub"), "/build/sub");
    EXPECT_EQ(k_mapper.directory("/home/me/app"), "/app");
    EXPECT_EQ(k_mapper.directory("/home/me"), std::nullopt);
    EXPECT_EQ(k_mapper.directory("/home/me/apple"), std::nullopt);
    EXPECT_EQ(k_mapper.directory("/home/me/app=x"), std::nullopt) << "where a word could go on";
}

}  // namespace
}  // namespace mstage::pipeline
