// Images by UUID, by its start, by tag and by key.

#include <algorithm>

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

using test::contains;
using test::error_of;

class ImageNameTest : public EngineTest {
protected:
    /// An image without layers under an id of the test's choice.
    ImageId publish(const std::string& uuid) {
        store::Store store(m_dir / "store",
                           [](const std::filesystem::path& path) { remove_tree(path); });
        Image image{.id = ImageId::parse(uuid).value()};
        store.publish_image(image);
        return image.id;
    }
};

TEST_F(ImageNameTest, StartOfAnIdIsEnoughWhenItIsUnique) {
    const ImageId first = publish("abcd1111-0000-4000-8000-000000000000");
    const ImageId second = publish("abcd2222-0000-4000-8000-000000000000");
    EXPECT_EQ(m_engine.find_image(first.str()), first);
    EXPECT_EQ(m_engine.find_image("abcd1"), first);
    EXPECT_EQ(m_engine.find_image("abcd2222-0000"), second);
    EXPECT_EQ(m_engine.find_image("ABCD2"), second) << "as UUIDs are read";
    EXPECT_FALSE(m_engine.find_image("abcd3"));
    const Error error = error_of([&] { m_engine.find_image("abcd"); });
    EXPECT_EQ(error.message(), "'abcd' is ambiguous: the UUIDs of 2 images start so");
    EXPECT_TRUE(contains(error.hint(), first.str()) && contains(error.hint(), second.str()));
}

TEST_F(ImageNameTest, ShortOrStrangeTextIsNoId) {
    publish("abcd1111-0000-4000-8000-000000000000");
    for (const char* text : {"", "abc", "build-complete", "abcd1*", "../abcd",
                             "abcd1111-0000-4000-8000-0000000000000"}) {
        EXPECT_FALSE(m_engine.find_image(text)) << text;
    }
}

TEST_F(ImageNameTest, ATagHoldsItsImageWhileItIsSet) {
    constexpr int k_rounds = 20;
    for (int round = 0; round < k_rounds; ++round) {
        store::Store store(m_dir / "store",
                           [](const std::filesystem::path& path) { remove_tree(path); });
        Image image{.id = ImageId::generate(), .state = ImageState::failed};
        store.publish_image(image);
        test::Process remover([&] {
            LocalEngine(m_dir / "store").remove_failed_state(image.id);
            return 0;
        });
        bool is_tagged = true;
        try {
            m_engine.set_tag("kept", image.id);
        } catch (const Error&) {
            is_tagged = false;
        }
        EXPECT_TRUE(remover.wait().ok());
        EXPECT_EQ(store.find_image(image.id).has_value(), is_tagged) << "round " << round;
        m_engine.remove_tag("kept");
    }
}

TEST_F(ImageNameTest, TagsAreSetMovedListedAndRemoved) {
    const ImageId first = publish("abcd1111-0000-4000-8000-000000000000");
    const ImageId second = publish("abcd2222-0000-4000-8000-000000000000");
    m_engine.set_tag("python:3.11", first);
    EXPECT_EQ(m_engine.find_image("tag:python:3.11"), first);
    m_engine.set_tag("python:3.11", second);
    m_engine.set_tag("a", first);
    EXPECT_EQ(m_engine.tags(), (std::vector<std::pair<std::string, ImageId>>{
                                   {"a", first}, {"python:3.11", second}}));
    EXPECT_TRUE(m_engine.remove_tag("a"));
    EXPECT_FALSE(m_engine.remove_tag("a"));
    const Error error = error_of([&] { m_engine.find_image("tag:a"); });
    EXPECT_TRUE(contains(error.message(), "tag 'a' is not in store")) << error.message();
}

TEST_F(ImageNameTest, TagsNeedANameAndAnImage) {
    const ImageId image = publish("abcd1111-0000-4000-8000-000000000000");
    error_of<UsageError>([&] { m_engine.set_tag("", image); });
    error_of([&] { m_engine.set_tag("a", ImageId::generate()); });
    EXPECT_TRUE(m_engine.tags().empty());
}

TEST_F(ImageNameTest, KeysFindWhatIsStillThere) {
    const std::string key(64, 'a');
    EXPECT_FALSE(m_engine.find_key(key));
    const ImageId image = publish("abcd1111-0000-4000-8000-000000000000");
    m_engine.set_key(key, image);
    EXPECT_EQ(m_engine.find_key(key), image);
    std::filesystem::remove(m_engine.witness(image));
    EXPECT_FALSE(m_engine.find_key(key));
}

TEST_F(ImageNameTest, KeyLockGoesWithItsFile) {
    const std::string key(64, 'a');
    {
        bool waited = false;
        const auto lock = m_engine.lock_key(key, [&] { waited = true; });
        EXPECT_FALSE(waited);
        EXPECT_EQ(entries_in("locks"), 1U);
    }
    EXPECT_EQ(entries_in("locks"), 0U);
}

TEST_F(ImageNameTest, AllImagesAreListed) {
    publish("abcd1111-0000-4000-8000-000000000000");
    publish("abcd2222-0000-4000-8000-000000000000");
    EXPECT_EQ(m_engine.images().size(), 2U);
    EXPECT_EQ(m_engine.name(), "local");
}

}  // namespace
}  // namespace mstage::engine
