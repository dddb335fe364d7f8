#include "engine/local/container/registry_reference.hpp"

#include "base/hash.hpp"
#include "support.hpp"

namespace mstage::engine {
namespace {

using test::contains;
using test::error_of;

TEST(RegistryReference, HoldsNoCredentials) {
    const std::string digest = "sha256:" + sha256_hex("");
    for (const std::string& good :
         {std::string("a"), std::string("host:1/a/b:c"), "a@" + digest, "host/a:b@" + digest}) {
        EXPECT_NO_THROW(refuse_credentials(good)) << good;
    }
    for (const std::string& bad : {std::string("me:secret@host/a"), "me:secret@host/a@" + digest,
                                   std::string("me:secret@a"), std::string("secret@sha.org/a")}) {
        const auto error = error_of<UsageError>([&] { refuse_credentials(bad); });
        EXPECT_FALSE(contains(error.message(), "secret")) << error.message();
        EXPECT_TRUE(contains(error.hint(), "skopeo login")) << error.hint();
    }
}

TEST(RegistryReference, OfANewImageIsChecked) {
    for (const char* good : {"a", "a:1", "host:5000/a", "host/a/b_c/d--e:V1.0_x", "[::1]:5000/a",
                             "Host/a", "host.org:5000/a:b"}) {
        EXPECT_NO_THROW(check_new_reference(good)) << good;
    }
    const std::string digest = "host/a@sha256:" + sha256_hex("");
    for (const std::string& bad :
         {std::string("host/A"), std::string("host/a//b"), digest, std::string("host/a:b:c"),
          std::string("host_/a"), std::string("-host.org/a"), std::string("host:x/a"),
          std::string(256, 'a'), std::string("host/a:"), std::string("host/-a"),
          std::string("host/a:-b")}) {
        EXPECT_THROW(check_new_reference(bad), UsageError) << bad;
    }
}

TEST(RegistryReference, OfLoopbackIsThisMachine) {
    for (const char* reference :
         {"localhost/a", "localhost:5000/a", "127.0.0.1:5000/a", "127.9.9.9/a", "[::1]:5000/a"}) {
        EXPECT_TRUE(is_on_loopback(reference)) << reference;
    }
    for (const char* reference : {"127.example.org/a", "localhost.example.org/a", "10.0.0.1:5000/a",
                                  "[::2]/a", "example.org/localhost"}) {
        EXPECT_FALSE(is_on_loopback(reference)) << reference;
    }
}

}  // namespace
}  // namespace mstage::engine
