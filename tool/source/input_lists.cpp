#include "source/input_lists.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"

namespace mstage::source {

namespace fs = std::filesystem;

void keep_input_list(const store::Store& store, const Inputs& inputs, const fs::path& inputs_file) {
    const fs::path list = store.inputs_path(inputs.digest);
    if (::link(inputs_file.c_str(), list.c_str()) != 0 && errno == ENOENT) {
        // Stores of the first versions have no such directory.
        make_directories(list.parent_path(), 0700);
        (void)::link(inputs_file.c_str(), list.c_str());
    }
    // It may be on another file system, be there but torn, or be another scan's file by now.
    if (!has_input_list(store, inputs.digest)) {
        write_inputs(list, inputs);
    }
}

bool has_input_list(const store::Store& store, const std::string& digest) {
    return read_inputs_digest(store.inputs_path(digest)) == digest;
}

std::optional<Inputs> find_input_list(const store::Store& store, const std::string& digest) {
    auto inputs = read_inputs(store.inputs_path(digest));
    return inputs && inputs->digest == digest ? std::move(inputs) : std::nullopt;
}

}  // namespace mstage::source
