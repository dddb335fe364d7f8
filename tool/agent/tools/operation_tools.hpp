#pragma once

#include <string>
#include <vector>

#include "agent/operation_queue.hpp"

/// The tools about operations: other than the rest they look at the server's queue.
namespace mstage::agent {

/// Of the queue, or of a run that the store knows: a stage's, say. Throws when it is unknown.
Json get_operation(const Settings& settings, const OperationQueue& queue, const Json& arguments);
Json list_operations(const OperationQueue& queue, const Json& arguments);

/// What wait_operations answers when all of them have ended.
Json waited_answer(const OperationQueue& queue, const std::vector<std::string>& ids,
                   bool time_was_up, OutputLimit limit);

}  // namespace mstage::agent
