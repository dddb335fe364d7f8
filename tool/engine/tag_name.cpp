#include "engine/tag_name.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/types.hpp"

namespace mstage::engine {

// What can be typed without quotes, cannot be taken for an option or an image's UUID, and holds every
// name that registries give.
void check_tag_name(const std::string& name) {
    const bool good_letters = name.find_first_not_of(
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._:/+@-") == std::string::npos;
    if (name.empty() || !good_letters || name.starts_with('-') || name.starts_with("tag:") ||
        ImageId::parse(name)) {
        throw with_hint(
            UsageError("'{}' is no name for a tag", escape_control(name)),
            "it has letters, digits and any of . _ : / + @ - in it, does not start with "
            "'-' or 'tag:', and is no UUID");
    }
}

}  // namespace mstage::engine
