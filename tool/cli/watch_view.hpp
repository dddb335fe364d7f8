#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/build_watcher.hpp"

namespace mstage::cli {

/// How a build that is watched is shown on stdout.
class WatchView {
public:
    virtual ~WatchView() = default;
    /// Called after each look.
    virtual void show(const pipeline::BuildWatcher::Look& look) = 0;
    /// When it wants to be called again even if nothing changes; nothing: not before that.
    virtual std::optional<std::chrono::milliseconds> wants_next() const = 0;
};

/// On a terminal redraws what runs in place, with what has ended above it; else a line at the
/// beginning and the end of a stage, and now and then in between.
std::unique_ptr<WatchView> make_watch_view();

/// "0:12 of about 0:40": how long it has been running.
std::string progress_of(const pipeline::RunningStage& stage, TimePoint now);

}  // namespace mstage::cli
