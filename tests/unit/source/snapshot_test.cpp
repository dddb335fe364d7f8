#include "source/snapshot.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/process.hpp"
#include "test_tree.hpp"

namespace mstage::source {

namespace fs = std::filesystem;

namespace {

/// All that a snapshot keeps of one file.
struct Seen {
    char type;
    mode_t mode;
    std::int64_t mtime;
    std::string content;

    bool operator==(const Seen&) const = default;
};
using View = std::map<std::string, Seen>;

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << fmt::format("{} {:o} mtime {} '{}'", seen.type, seen.mode, seen.mtime,
                              seen.content);
}

Seen look_at(const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        throw SysError(errno, "'{}'", path.native());
    }
    const std::int64_t mtime = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
    if (S_ISLNK(info.st_mode)) {
        return {'l', 0777, mtime, fs::read_symlink(path).native()};
    }
    if (S_ISDIR(info.st_mode)) {
        return {'d', info.st_mode & 07777, mtime, ""};
    }
    return {'f', info.st_mode & 07777, mtime, read_file(path)};
}

/// The tree at `root`, over what `view` holds, as an overlay shows it.
void add_layer(View& view, const fs::path& root) {
    for (const auto& found : fs::recursive_directory_iterator(root)) {
        view.insert_or_assign(found.path().lexically_relative(root).native(),
                              look_at(found.path()));
    }
}

}  // namespace

class SnapshotTest : public TreeTest {
protected:
    Inputs inputs_now() const { return make_inputs("/app", scan(m_options).entries); }

    Snapshot take(const std::optional<Inputs>& previous = std::nullopt) const {
        return take_snapshot(m_store, m_options.root, "/app", inputs_now(), previous);
    }
    View view_of(const Snapshot& snapshot) const {
        View view;
        for (const store::LayerId& layer : snapshot.layers) {
            add_layer(view, m_store.layer_path(layer) / "app");
        }
        return view;
    }
    View source() const {
        View view;
        add_layer(view, m_options.root);
        return view;
    }
    View layer(const Snapshot& snapshot, size_t index) const {
        View view;
        add_layer(view, m_store.layer_path(snapshot.layers.at(index)) / "app");
        return view;
    }
    nlink_t links_of(const Snapshot& snapshot, const std::string& path) const {
        struct stat info {};
        ::lstat((m_store.layer_path(snapshot.layers.front()) / "app" / path).c_str(), &info);
        return info.st_nlink;
    }
    size_t entries_in(const char* folder) const {
        const fs::directory_iterator all(m_store.root() / folder);
        return static_cast<size_t>(std::distance(begin(all), end(all)));
    }
    /// Something of every kind, and enough that one change is a small part of it.
    void make_tree() const {
        write("a.txt", "a");
        write("empty.txt", "");
        write("bin/tool", "#!/bin/sh", 0755);
        write("bin/setuid", "s", 06755);
        write("read_only", "r", 0444);
        write("secret", "s", 0400);
        write("names/-rf \n\xe9", "odd");
        write("names/\xc3\xa9", "fine");
        mkdir("sticky", 01777);
        mkdir("empty", 0750);
        symlink("../a.txt", "names/link");
        symlink("nowhere at all", "dangling");
        write("locked/inner/f", "l", 0440);
        write("locked/g", "g");
        mkdir("locked/inner", 0555);
        mkdir("locked", 0500);
    }
    ~SnapshotTest() override { ::chmod(at("locked").c_str(), 0700); }

    store::Store m_store{m_base / "store", [](const fs::path& path) { remove_tree(path); }};
};

TEST_F(SnapshotTest, IsLikeTheSource) {
    make_tree();
    const Snapshot snapshot = take();
    ASSERT_EQ(snapshot.layers.size(), 1U);
    EXPECT_EQ(view_of(snapshot), source());
    EXPECT_EQ(find_snapshot(m_store, inputs_now().digest)->layers, snapshot.layers);
    EXPECT_EQ(entries_in("tmp"), 0U);
    EXPECT_EQ(entries_in("layers"), 1U);
}

TEST_F(SnapshotTest, IsTakenOnce) {
    make_tree();
    EXPECT_EQ(take().layers, take().layers);
    EXPECT_EQ(entries_in("layers"), 1U);
}

TEST_F(SnapshotTest, WorkdirIsThereEvenWhenEmpty) {
    const mode_t mask = ::umask(077);
    const Inputs none = make_inputs("/srv/deep/app/", {});
    const Snapshot snapshot =
        take_snapshot(m_store, m_options.root, "/srv/deep/app/", none, std::nullopt);
    ::umask(mask);
    const fs::path layer = m_store.layer_path(snapshot.layers.at(0));
    for (const char* path : {"", "srv", "srv/deep", "srv/deep/app"}) {
        EXPECT_EQ(look_at(layer / path).type, 'd') << path;
        EXPECT_EQ(look_at(layer / path).mode, 0755U) << path;
    }
    EXPECT_EQ(look_at(layer / "srv/deep/app").mtime, look_at(m_options.root).mtime);
}

TEST_F(SnapshotTest, WorkdirCannotLeaveTheLayer) {
    const Inputs none = make_inputs("../../x", {});
    const Snapshot snapshot = take_snapshot(m_store, m_options.root, "../../x", none, std::nullopt);
    EXPECT_TRUE(fs::is_directory(m_store.layer_path(snapshot.layers.at(0)) / "x"));
}

TEST_F(SnapshotTest, SelectedInputsOnly) {
    write("d/f", "x");
    write("d/g", "y");
    write("e/h", "z");
    const Inputs inputs = make_inputs(
        "/app", select(scan(m_options).entries, std::vector<std::string>{"g"}, nullptr));
    const View view = view_of(take_snapshot(m_store, m_options.root, "/app", inputs, std::nullopt));
    ASSERT_EQ(view.size(), 2U);
    EXPECT_EQ(view.at("d"), look_at(at("d")));
    EXPECT_EQ(view.at("d/g"), look_at(at("d/g")));
}

TEST_F(SnapshotTest, ChangesAreADelta) {
    make_tree();
    const Inputs before = inputs_now();
    const Snapshot full = take();
    write("bin/tool", "#!/bin/bash", 0755);
    write("bin/new", "n");
    const Snapshot delta = take(before);
    ASSERT_EQ(delta.layers.size(), 2U);
    EXPECT_EQ(delta.layers[0], full.layers[0]);
    const View upper = layer(delta, 1);
    EXPECT_EQ(upper.size(), 3U) << "bin, bin/tool, bin/new";
    EXPECT_EQ(view_of(delta), source());
}

TEST_F(SnapshotTest, ModesOfDirectoriesAndFilesAreChangesToo) {
    make_tree();
    const Inputs before = inputs_now();
    take();
    ::chmod(at("empty").c_str(), 0700);
    ::chmod(at("a.txt").c_str(), 0600);
    mkdir("locked/inner", 0500);
    const Snapshot delta = take(before);
    EXPECT_EQ(delta.layers.size(), 2U);
    EXPECT_EQ(view_of(delta), source());
}

TEST_F(SnapshotTest, LinkChangesAreADelta) {
    make_tree();
    const Inputs before = inputs_now();
    take();
    remove("dangling");
    symlink("elsewhere", "dangling");
    const Snapshot delta = take(before);
    EXPECT_EQ(delta.layers.size(), 2U);
    EXPECT_EQ(view_of(delta), source());
}

TEST_F(SnapshotTest, StackIsUnitedWhenItIsFull) {
    for (int i = 0; i < 60; ++i) {
        write(fmt::format("d{}/f{}", i % 6, i), std::to_string(i));
    }
    std::optional<Inputs> previous;
    size_t highest = 0;
    for (int round = 0; round < 30; ++round) {
        write(fmt::format("d0/f{}", 6 * (round % 4)), fmt::format("round {}", round));
        if (round == 3) {
            symlink("target", "d5/link");
            mkdir("d5/made", 0700);
        }
        const Snapshot snapshot = take(previous);
        previous = inputs_now();
        highest = std::max(highest, snapshot.layers.size());
        View view = view_of(snapshot);
        // The directory's time moved with the write to its file only if that made an entry.
        ASSERT_EQ(view, source()) << "round " << round;
    }
    EXPECT_EQ(highest, 9U);
}

TEST_F(SnapshotTest, LayersOfASnapshotAreKnownInAnImage) {
    using Layers = std::vector<store::LayerId>;
    make_tree();
    std::optional<Inputs> previous;
    Layers layers;
    for (const char* content : {"one", "two", "three"}) {
        write("a.txt", content);
        layers = take(previous).layers;
        previous = inputs_now();
    }
    ASSERT_EQ(layers.size(), 3U);
    const auto base = store::LayerId::generate();
    const auto made = store::LayerId::generate();
    const auto united = [&](const Layers& image) { return with_snapshots_united(m_store, image); };
    EXPECT_EQ(united({base, layers[0], layers[1], layers[2], made}),
              (std::vector<Layers>{{base}, layers, {made}}));
    // A later stage took the tree, or the tree and the first change, up to what it saw itself.
    EXPECT_EQ(united({base, layers[1], layers[2], made, layers[0]}),
              (std::vector<Layers>{{base}, {layers[1], layers[2]}, {made}, {layers[0]}}));
    EXPECT_EQ(united({base, layers[2], made, layers[0], layers[1]}),
              (std::vector<Layers>{{base}, {layers[2]}, {made}, {layers[0], layers[1]}}));
    EXPECT_EQ(united({}), std::vector<Layers>());
}

TEST_F(SnapshotTest, RemovalMakesANewTreeOfHardLinks) {
    make_tree();
    const Inputs before = inputs_now();
    take();
    write("bin/tool", "changed");
    const Inputs between = inputs_now();
    take(before);
    remove("a.txt");
    write("names/\xc3\xa9", "changed too");
    const Snapshot snapshot = take(between);
    ASSERT_EQ(snapshot.layers.size(), 1U);
    EXPECT_EQ(view_of(snapshot), source());
    EXPECT_EQ(links_of(snapshot, "bin/setuid"), 2U) << "from the lowest layer";
    EXPECT_EQ(links_of(snapshot, "bin/tool"), 2U) << "from the delta";
    EXPECT_EQ(links_of(snapshot, "names/\xc3\xa9"), 1U) << "a copy";
}

TEST_F(SnapshotTest, NewTreeCopiesWhereOnlyTheModeChanged) {
    make_tree();
    const Inputs before = inputs_now();
    const Snapshot old = take();
    remove("empty.txt");
    ::chmod(at("a.txt").c_str(), 0600);
    const Snapshot snapshot = take(before);
    EXPECT_EQ(view_of(snapshot), source());
    EXPECT_EQ(view_of(old).at("a.txt").mode, 0644U) << "layers never change";
}

TEST_F(SnapshotTest, TypeChanges) {
    write("f_to_d", "x");
    write("f_to_l", "x");
    mkdir("d_to_f/sub");
    mkdir("d_to_l");
    symlink("x", "l_to_f");
    symlink("x", "l_to_d");
    write("same", "s");
    const Inputs before = inputs_now();
    take();
    for (const char* path : {"f_to_d", "f_to_l", "d_to_f", "d_to_l", "l_to_f", "l_to_d"}) {
        remove(path);
    }
    write("f_to_d/f", "y");
    symlink("y", "f_to_l");
    write("d_to_f", "y");
    symlink("y", "d_to_l");
    write("l_to_f", "y");
    mkdir("l_to_d");
    const Snapshot snapshot = take(before);
    EXPECT_EQ(snapshot.layers.size(), 1U);
    EXPECT_EQ(view_of(snapshot), source());
    EXPECT_EQ(links_of(snapshot, "same"), 2U);
}

TEST_F(SnapshotTest, OneTypeChangeIsEnoughForANewTree) {
    make_tree();
    const Inputs before = inputs_now();
    take();
    remove("empty");
    write("empty", "now a file");
    const Snapshot snapshot = take(before);
    EXPECT_EQ(snapshot.layers.size(), 1U);
    EXPECT_EQ(view_of(snapshot), source());
}

TEST_F(SnapshotTest, SourceThatChangedSinceTheScanIsNotTaken) {
    const auto expect_changed = [&](const char* path, const std::function<void()>& change) {
        remove("");
        mkdir("");
        write("f", "x");
        mkdir("d");
        write("d/g", fmt::format("for {}", path));
        symlink("t", "l");
        const Inputs inputs = inputs_now();
        change();
        try {
            take_snapshot(m_store, m_options.root, "/app", inputs, std::nullopt);
            ADD_FAILURE() << path;
        } catch (const SourceChanged& error) {
            EXPECT_NE(error.message().find(at(path).native() + "'"), std::string::npos)
                << error.message();
        }
        EXPECT_FALSE(find_snapshot(m_store, inputs.digest));
        EXPECT_EQ(entries_in("layers"), 0U);
        EXPECT_EQ(entries_in("tmp"), 0U);
    };
    expect_changed("f", [&] { write("f", "y"); });
    expect_changed("f", [&] { write("f", "xx"); });
    expect_changed("f", [&] { remove("f"); });
    expect_changed("f", [&] { ::chmod(at("f").c_str(), 0600); });
    expect_changed("f", [&] { remove("f"), symlink("d/g", "f"); });
    expect_changed("f", [&] { remove("f"), mkdir("f"); });
    expect_changed("f", [&] { remove("f"), ::mkfifo(at("f").c_str(), 0644); });
    expect_changed("l", [&] { remove("l"), symlink("u", "l"); });
    expect_changed("l", [&] { remove("l"), write("l", "t"); });
    expect_changed("d", [&] { ::chmod(at("d").c_str(), 0700); });
    expect_changed("d", [&] { remove("d"); });
    expect_changed("d", [&] { fs::rename(at("d"), at("e")), symlink("e", "d"); });
}

TEST_F(SnapshotTest, LostLayerMeansAFullCopy) {
    make_tree();
    const Inputs before = inputs_now();
    const Snapshot full = take();
    remove_tree(m_store.layer_path(full.layers[0]));
    EXPECT_FALSE(find_snapshot(m_store, before.digest));
    write("a.txt", "changed");
    const Snapshot snapshot = take(before);
    EXPECT_EQ(snapshot.layers.size(), 1U);
    EXPECT_EQ(view_of(snapshot), source());
    EXPECT_EQ(links_of(snapshot, "read_only"), 1U);
}

TEST_F(SnapshotTest, UnusableRecordIsNoRecord) {
    write("f", "x");
    const Inputs inputs = inputs_now();
    take();
    const fs::path path = m_store.snapshot_path(inputs.digest);
    const Json good = parse_json(read_file(path), "record");
    const auto with = [&](const char* field, const Json& value) {
        Json json = good;
        json[field] = value;
        return dump_json(json);
    };
    EXPECT_TRUE(find_snapshot(m_store, inputs.digest));
    for (const std::string& bad :
         {std::string(), std::string("\0\0", 2), std::string("[]"), with("version", 1),
          with("boot", "another"), with("layers", Json::array()), with("layers", {"../../x"}),
          with("layers", "x"), with("workdir", nullptr)}) {
        write_file_atomically(path, bad);
        EXPECT_FALSE(find_snapshot(m_store, inputs.digest)) << bad;
    }
    EXPECT_EQ(view_of(take()), source());
    EXPECT_FALSE(find_snapshot(m_store, "../layers"));
}

TEST_F(SnapshotTest, OtherWorkdirStartsFromNothing) {
    write("f", "x");
    const Inputs before = inputs_now();
    take();
    const Inputs moved = make_inputs("/src", before.entries);
    const Snapshot snapshot = take_snapshot(m_store, m_options.root, "/src", moved, before);
    ASSERT_EQ(snapshot.layers.size(), 1U);
    EXPECT_TRUE(fs::exists(m_store.layer_path(snapshot.layers[0]) / "src" / "f"));
}

TEST_F(SnapshotTest, ManyProcessesAtOnce) {
    make_tree();
    for (int i = 0; i < 100; ++i) {
        write(fmt::format("many/f{}", i), std::to_string(i));
    }
    const Inputs inputs = inputs_now();
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            int code = 1;
            try {
                take_snapshot(m_store, m_options.root, "/app", inputs, std::nullopt);
                code = 0;
            } catch (...) {
            }
            ::_exit(code);
        }
        children.push_back(pid);
    }
    for (const pid_t pid : children) {
        EXPECT_TRUE(wait_for(pid).ok());
    }
    const auto snapshot = find_snapshot(m_store, inputs.digest);
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(view_of(*snapshot), source());
    EXPECT_EQ(entries_in("tmp"), 0U);
}

TEST_F(SnapshotTest, BelongsToWhoTakesIt) {
    write("f", "x");
    if (is_root()) {
        ASSERT_EQ(::chown(at("f").c_str(), 1234, 1234), 0);
    }
    const Snapshot snapshot = take();
    struct stat info {};
    ASSERT_EQ(::lstat((m_store.layer_path(snapshot.layers[0]) / "app" / "f").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, ::geteuid());
}

}  // namespace mstage::source
