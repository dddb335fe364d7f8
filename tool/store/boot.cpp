#include "store/boot.hpp"

#include "base/file.hpp"

namespace mstage::store {

const std::string& boot_id() {
    static const std::string k_id = [] {
        const auto text = read_file_if_exists("/proc/sys/kernel/random/boot_id");
        return text ? text->substr(0, 8) : std::string("unknown");
    }();
    return k_id;
}

}  // namespace mstage::store
