#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/job.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace mstage::agent {

enum class Status { pending, executing, success, failed, cancelled };
/// "PENDING", …
const char* to_string(Status status);

/// A run, an import or a build: what takes long, has an id, and can be waited for and cancelled.
struct Operation {
    std::string id;
    std::string type;  ///< "run", "import_image" or "build"
    Json request;      ///< of the tool's arguments those that are worth telling
    Status status = Status::pending;
    bool cancel_asked = false;
    TimePoint created{};
    std::optional<double> duration_s{};
    /// As the tool's work gave it; outputs are KeptOutput::to_json(). Null until there is one.
    Json answer{};
    Failure failure{};

    bool has_ended() const { return status != Status::pending && status != Status::executing; }
};

/// How much of outputs is shown, in bytes each; nothing: what fits into a compact result.
using OutputLimit = std::optional<size_t>;

/// For the agent. `limit` is a number, for the callers that find out what fits.
Json to_answer(const Operation& operation, size_t limit);
/// The same, as much of outputs as `limit` says.
Json to_answer(const Operation& operation, OutputLimit limit);
/// One line of a list: without outputs.
Json to_entry(const Operation& operation);

/// What tells, of `answer`, whether all went well: a command that ended with 0, in time.
bool is_ok(const Operation& operation);

/// Operations that have ended, one file each in a directory, so that another server finds them.
/// The last thousand are kept.
class OperationFiles {
public:
    explicit OperationFiles(std::filesystem::path directory) : m_directory(std::move(directory)) {}

    void write(const Operation& operation) const;
    /// Nothing when there is none of that id.
    std::optional<Operation> read(const std::string& id) const;
    /// Calls `take` with those that ended since then, the last one first, until it returns false.
    void for_each(TimePoint since, const std::function<bool(const Operation&)>& take) const;
    /// Removes those that are too many.
    void prune() const;

private:
    std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> newest_first()
        const;

    std::filesystem::path m_directory;
};

}  // namespace mstage::agent
