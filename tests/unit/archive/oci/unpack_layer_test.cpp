// Layers of container images as overlayfs takes them.

#include "archive/oci/unpack_layer.hpp"

#include "archive/archive_test.hpp"
#include "base/hash.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveTest;
using test::compressed;
using test::TarBuilder;
using test::TarEntry;

FileRange in_memory(const std::string& bytes) {
    FileRange range{Fd(::memfd_create("blob", MFD_CLOEXEC)), 0, static_cast<off_t>(bytes.size())};
    write_all(range.file.get(), bytes);
    return range;
}

class UnpackLayer : public ArchiveTest {
protected:
    /// Makes the tree of the layers below, when a test wants one.
    fs::path below() {
        if (m_below.empty()) {
            m_below = make_beside("below");
        }
        return m_below;
    }

    Imported unpack_layer_of(const LayerBlob& blob) {
        LowerTree lower(
            [&] { return m_below.empty() ? Fd() : open_fd(m_below, O_PATH | O_DIRECTORY); });
        const Fd directory = open_fd(target(), O_RDONLY | O_DIRECTORY);
        Imported result = unpack_layer(blob, directory.get(), lower, options());
        m_consulted = lower.was_consulted();
        return result;
    }
    Imported unpack_layer_of(const std::string& tar) {
        return unpack_layer_of({in_memory(tar), std::nullopt, Digest::of(tar)});
    }
    Imported unpack_layer_of(const TarBuilder& tar) { return unpack_layer_of(tar.finished()); }

    template <typename Input>
    std::string layer_error_of(const Input& input) {
        try {
            unpack_layer_of(input);
        } catch (const Error& error) {
            return error.message();
        }
        ADD_FAILURE() << "no error";
        return {};
    }

    static LayerBlob packed(const std::string& tar, const std::string& blob) {
        return {in_memory(blob), Descriptor{"", Digest::of(blob), blob.size()}, Digest::of(tar)};
    }

    bool is_whiteout(const std::string& name) const {
        struct stat info {};
        return ::lstat((target() / name).c_str(), &info) == 0 && S_ISCHR(info.st_mode) &&
               info.st_rdev == 0;
    }
    bool is_opaque(const std::string& name) const {
        return xattr(target() / name, "user.overlay.opaque") == "y";
    }
    bool exists(const std::string& name) const {
        return fs::symlink_status(target() / name).type() != fs::file_type::not_found;
    }

    bool m_consulted = false;

private:
    fs::path m_below;
};

TEST_F(UnpackLayer, IsAPlainTreeWhenNothingElseIsSaid) {
    unpack_layer_of(TarBuilder().directory("etc/").file("etc/motd", "hello\n"));
    EXPECT_EQ(content("etc/motd"), "hello\n");
    EXPECT_FALSE(m_consulted) << "good on any other layers too";
}

TEST_F(UnpackLayer, ReadsCompressedBlobs) {
    for (const char* filter : {"gzip", "zstd"}) {
        const std::string tar = TarBuilder().file(filter, filter).finished();
        unpack_layer_of(packed(tar, compressed(tar, filter)));
        EXPECT_EQ(content(filter), filter);
    }
}

TEST_F(UnpackLayer, ReadsABigBlobToItsEnd) {
    std::string data(9'000'000, '\0');
    for (size_t i = 0; i < data.size(); ++i) {
        data[i] = static_cast<char>(i * i >> 7);
    }
    const std::string tar = TarBuilder().file("big", data).finished() + std::string(500'000, '\0');
    unpack_layer_of(packed(tar, compressed(tar, "gzip") + compressed("", "gzip")));
    EXPECT_EQ(sha256_hex(content("big")), sha256_hex(data));
}

TEST_F(UnpackLayer, ReadsARangeOfAFile) {
    const std::string tar = TarBuilder().file("f", "x").finished();
    LayerBlob blob{in_memory("before" + tar + "behind"), std::nullopt, Digest::of(tar)};
    blob.content.begin = 6;
    blob.content.size = static_cast<off_t>(tar.size());
    unpack_layer_of(blob);
    EXPECT_EQ(content("f"), "x");
}

TEST_F(UnpackLayer, NeedsNoEndMark) {
    const std::string tar = TarBuilder().file("f", "x").unfinished();
    unpack_layer_of(tar);
    EXPECT_EQ(content("f"), "x");
    unpack_layer_of(tar.substr(0, 513));
    EXPECT_EQ(content("f"), "x");
    unpack_layer_of(std::string());
}

TEST_F(UnpackLayer, NamesBothDigestsOfADamagedBlob) {
    const std::string tar = TarBuilder().file("f", std::string(100'000, 'x')).finished();
    const std::string good = compressed(tar, "gzip");
    std::string bad = good;
    bad[good.size() / 2] = static_cast<char>(~bad[good.size() / 2]);
    LayerBlob blob = packed(tar, good);
    blob.content = in_memory(bad);
    const std::string message = layer_error_of(blob);
    EXPECT_NE(message.find(Digest::of(good).str()), std::string::npos) << message;
    EXPECT_NE(message.find(Digest::of(bad).str()), std::string::npos) << message;
}

TEST_F(UnpackLayer, NamesBothSizesOfATruncatedBlob) {
    const std::string tar = TarBuilder().file("f", "x").finished();
    const std::string good = compressed(tar, "gzip");
    LayerBlob blob = packed(tar, good);
    blob.content = in_memory(good.substr(0, good.size() - 1));
    EXPECT_EQ(layer_error_of(blob),
              fmt::format("blob '{}' has {} bytes instead of {}: it is damaged",
                          Digest::of(good).str(), good.size() - 1, good.size()));
}

TEST_F(UnpackLayer, NamesBothDigestsOfAnotherTar) {
    const std::string tar = TarBuilder().file("f", "x").finished();
    LayerBlob blob = packed(tar, compressed(tar, "zstd"));
    blob.diff_id = Digest::of("other");
    const std::string message = layer_error_of(blob);
    EXPECT_NE(message.find(Digest::of(tar).str()), std::string::npos) << message;
    EXPECT_NE(message.find(Digest::of("other").str()), std::string::npos) << message;
}

TEST_F(UnpackLayer, WhiteoutHidesWhatIsBelow) {
    fs::create_directories(below() / "d/gone");
    unpack_layer_of(TarBuilder().directory("d/").file("d/.wh.gone", ""));
    EXPECT_TRUE(is_whiteout("d/gone"));
    EXPECT_FALSE(exists("d/.wh.gone"));
    EXPECT_TRUE(m_consulted);
}

TEST_F(UnpackLayer, WhiteoutThatHidesNothingIsLeftOut) {
    fs::create_directories(below() / "other");
    unpack_layer_of(TarBuilder().directory("new/").file("new/.wh.x", "").file("nowhere/.wh.x", ""));
    EXPECT_FALSE(exists("new/x")) << "overlayfs would list it";
    EXPECT_FALSE(exists("nowhere"));
}

TEST_F(UnpackLayer, WhiteoutLeavesTheSameLayerAloneInAnyOrder) {
    fs::create_directories(below() / "a");
    fs::create_directories(below() / "b");
    unpack_layer_of(TarBuilder()
                        .file(".wh.a", "")
                        .directory("a/")
                        .directory("b/")
                        .file(".wh.b", "")
                        .file("c", "new")
                        .file(".wh.c", ""));
    EXPECT_TRUE(is_opaque("a"));
    EXPECT_TRUE(is_opaque("b"));
    EXPECT_EQ(content("c"), "new");
}

TEST_F(UnpackLayer, WhiteoutBelowWhatBecameAFileIsLeftOut) {
    fs::create_directories(below() / "d/sub");
    unpack_layer_of(TarBuilder().file("d", "now a file").file("d/.wh.sub", ""));
    EXPECT_EQ(content("d"), "now a file");
}

TEST_F(UnpackLayer, OpaqueDirectoryHidesAllBelow) {
    fs::create_directories(below() / "d/sub");
    fs::create_directories(below() / "e");
    unpack_layer_of(TarBuilder()
                        .file("d/.wh..wh..opq", "")
                        .directory("d/")
                        .file("d/new", "x")
                        .file("d/.wh.sub", "")
                        .file("e/.wh..wh..opq", "")
                        .file("nowhere/.wh..wh..opq", ""));
    EXPECT_TRUE(is_opaque("d"));
    EXPECT_EQ(content("d/new"), "x");
    EXPECT_FALSE(exists("d/sub")) << "overlayfs lists whiteouts in opaque directories";
    EXPECT_TRUE(is_opaque("e")) << "not named, but below";
    EXPECT_FALSE(exists("nowhere"));
}

TEST_F(UnpackLayer, OpaqueRootHidesEachName) {
    fs::create_directories(below() / "gone");
    fs::create_directories(below() / "made/old");
    unpack_layer_of(TarBuilder().directory("made/").file(".wh..wh..opq", ""));
    EXPECT_TRUE(is_whiteout("gone"));
    EXPECT_TRUE(is_opaque("made"));
}

TEST_F(UnpackLayer, MetadataOfAufsIsLeftOut) {
    unpack_layer_of(TarBuilder()
                        .file(".wh..wh.aufs", "")
                        .directory(".wh..wh.plnk/")
                        .file(".wh..wh.plnk/1.2", "x")
                        .file("f", "x"));
    EXPECT_EQ(std::distance(fs::directory_iterator(target()), {}), 1);
}

TEST_F(UnpackLayer, RefusesWhiteoutsOfNoName) {
    for (const char* name : {".wh.", "a/.wh..", ".wh..."}) {
        EXPECT_NE(layer_error_of(TarBuilder().file(name, "")).find("a whiteout of no name"),
                  std::string::npos);
    }
    EXPECT_NE(layer_error_of(TarBuilder().file(".wh.a/b", "")).find("below a whiteout"),
              std::string::npos);
}

TEST_F(UnpackLayer, AnArchiveCannotMakeWhiteoutsItsOwnWay) {
    fs::create_directories(below() / "d");
    const Imported result = unpack_layer_of(
        TarBuilder()
            .add({.name = "d/x", .type = '3', .mode = 0})
            .add({.name = "o/", .type = '5', .pax = {{"SCHILY.xattr.user.overlay.opaque", "y"}}})
            .add({.name = "r/",
                  .type = '5',
                  .pax = {{"SCHILY.xattr.user.overlay.redirect", "/etc"}}}));
    EXPECT_FALSE(exists("d/x"));
    EXPECT_FALSE(is_opaque("o"));
    EXPECT_EQ(xattr(target() / "r", "user.overlay.redirect"), "(none)");
    EXPECT_EQ(result.skipped_count, 3U);
}

TEST_F(UnpackLayer, DirectoryThatIsNotNamedIsAsItIsBelow) {
    fs::create_directories(below() / "a/b");
    fs::permissions(below() / "a", fs::perms(0711));
    fs::permissions(below() / "a/b", fs::perms(01777));
    ASSERT_EQ(::setxattr((below() / "a").c_str(), "user.mark", "x", 1, 0), 0);
    const timespec times[2] = {{5, 6}, {7, 8}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (below() / "a").c_str(), times, 0), 0);
    unpack_layer_of(TarBuilder().file("a/b/f", "x").file("new/f", "x"));
    EXPECT_EQ(mode("a"), 0711U);
    EXPECT_EQ(look("a").st_mtim.tv_sec, 7);
    EXPECT_EQ(look("a").st_mtim.tv_nsec, 8);
    EXPECT_EQ(xattr(target() / "a", "user.mark"), "x");
    EXPECT_EQ(mode("a/b"), 01777U);
    EXPECT_EQ(mode("new"), 0755U);
    EXPECT_TRUE(m_consulted);
}

TEST_F(UnpackLayer, DirectoryThatIsNamedLaterIsAsItSays) {
    fs::create_directories(below() / "a");
    unpack_layer_of(TarBuilder().file("a/f", "x").directory("a/", 0700));
    EXPECT_EQ(mode("a"), 0700U);
}

TEST_F(UnpackLayer, DirectoryThatWasRemovedDoesNotLendItsAttributes) {
    fs::create_directories(below() / "a");
    fs::permissions(below() / "a", fs::perms(0711));
    unpack_layer_of(TarBuilder().file("a/f", "x").file(".wh.a", ""));
    EXPECT_EQ(mode("a"), 0755U);
    EXPECT_TRUE(is_opaque("a"));
}

TEST_F(UnpackLayer, FileInPlaceOfADirectoryThatWasNotNamed) {
    unpack_layer_of(TarBuilder().file("a/b/f", "x").file("a", "a file"));
    EXPECT_EQ(content("a"), "a file");
}

TEST_F(UnpackLayer, RootThatIsNotNamedIsAsItIsBelowAndDoesNotCount) {
    fs::permissions(below(), fs::perms(0711));
    unpack_layer_of(TarBuilder().file("f", "x"));
    EXPECT_EQ(mode(""), 0711U);
    EXPECT_FALSE(m_consulted);
}

TEST_F(UnpackLayer, FollowsLinksBelow) {
    fs::create_directories(below() / "usr/lib");
    fs::permissions(below() / "usr/lib", fs::perms(0711));
    fs::create_symlink("usr/lib", below() / "lib");
    fs::create_symlink("/lib", below() / "lib64");
    fs::create_symlink("../../../usr", below() / "out");
    unpack_layer_of(TarBuilder()
                        .file("lib/a", "a")
                        .file("lib64/b", "b")
                        .file("out/c", "c")
                        .symlink("here", "usr/lib")
                        .file("here/d", "d"));
    EXPECT_FALSE(exists("lib"));
    EXPECT_EQ(content("usr/lib/a"), "a");
    EXPECT_EQ(content("usr/lib/b"), "b");
    EXPECT_EQ(content("usr/c"), "c");
    EXPECT_EQ(content("usr/lib/d"), "d");
    EXPECT_EQ(mode("usr/lib"), 0711U);
}

TEST_F(UnpackLayer, LinksThatLeadOutLeadNowhereElse) {
    fs::create_symlink(canary(), below() / "abs");
    fs::create_symlink("../canary", below() / "rel");
    unpack_layer_of(TarBuilder().file("abs/f", "x").file("rel/g", "x").file("rel/.wh.secret", ""));
    EXPECT_EQ(content(canary().relative_path() / "f"), "x");
    EXPECT_EQ(content("canary/g"), "x");
}

TEST_F(UnpackLayer, LoopOfLinksIsAnError) {
    fs::create_symlink("b", below() / "a");
    fs::create_symlink("a", below() / "b");
    EXPECT_NE(layer_error_of(TarBuilder().file("a/f", "x")).find("Too many levels"),
              std::string::npos);
}

TEST_F(UnpackLayer, RemovalOfWhatEntriesWentThroughIsAnError) {
    fs::create_directories(below() / "usr");
    fs::create_symlink("usr", below() / "l");
    EXPECT_NE(layer_error_of(TarBuilder().file("l/f", "x").file(".wh.l", ""))
                  .find("removes 'l' after entries that depend on it"),
              std::string::npos);
}

TEST_F(UnpackLayer, HardLinkToAFileBelowCopiesIt) {
    fs::create_directories(below() / "d");
    fs::permissions(below() / "d", fs::perms(0711));
    write_file_atomically(below() / "d/f", "data");
    fs::permissions(below() / "d/f", fs::perms(0640));
    fs::create_symlink("f", below() / "d/l");
    unpack_layer_of(TarBuilder().hard_link("other", "d/f").hard_link("link", "/d/l"));
    EXPECT_EQ(content("d/f"), "data");
    EXPECT_EQ(look("other").st_ino, look("d/f").st_ino);
    EXPECT_EQ(mode("other"), 0640U);
    EXPECT_EQ(mode("d"), 0711U);
    EXPECT_EQ(fs::read_symlink(target() / "link"), "f");
    EXPECT_TRUE(m_consulted);
}

TEST_F(UnpackLayer, HardLinkToWhatIsRemovedOrADirectoryIsAnError) {
    fs::create_directories(below() / "d");
    write_file_atomically(below() / "f", "data");
    EXPECT_NE(layer_error_of(TarBuilder().file(".wh.f", "").hard_link("a", "f"))
                  .find("which is not there"),
              std::string::npos);
    EXPECT_NE(layer_error_of(TarBuilder().hard_link("a", "d")).find("is a directory"),
              std::string::npos);
}

TEST_F(UnpackLayer, HardLinkInsideStaysInside) {
    write_file_atomically(below() / "f", "below");
    unpack_layer_of(TarBuilder().file("f", "here").hard_link("g", "f"));
    EXPECT_EQ(content("g"), "here");
    EXPECT_FALSE(m_consulted);
}

TEST_F(UnpackLayer, RefusesNamesThatNoProgramCouldUse) {
    std::string path;
    while (path.size() < 4094) {
        path += "d/";
    }
    TarEntry entry{"short", '0', "x"};
    entry.pax = {{"path", path + "f"}};
    unpack_layer_of(TarBuilder().add(entry));
    EXPECT_TRUE(exists("d/d/d/d"));
    entry.pax = {{"path", path + "d/f"}};
    const std::string error = layer_error_of(TarBuilder().add(entry));
    EXPECT_NE(error.find("has 4097 bytes"), std::string::npos) << error;
    EXPECT_LT(error.size(), 1500U);
}

}  // namespace
}  // namespace mstage::archive
