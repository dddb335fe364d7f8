#pragma once

#include <string_view>

namespace mstage::archive {

/// Bytes that come piece by piece.
class BlockStream {
public:
    virtual ~BlockStream() = default;

    /// Good until the next call; empty at the end. Throws Error for what cannot be read.
    virtual std::string_view next_block() = 0;

    /// Reads up to the end.
    void drain() {
        while (!next_block().empty()) {
        }
    }
};

}  // namespace mstage::archive
