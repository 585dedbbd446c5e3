#include "text/jinja/ast.h"

#include <algorithm>

namespace tinyllm::jinja {

std::unique_ptr<Expr> make_expr(Expr::Kind kind, Position position) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->position = position;
  return node;
}

ExprPtr finish_expr(std::unique_ptr<Expr> node) {
  int deepest = 0;
  const auto look_at = [&](const ExprPtr& child) {
    if (child != nullptr) deepest = std::max(deepest, child->depth);
  };
  for (const ExprPtr& operand : node->operands) look_at(operand);
  for (const ExprPtr& argument : node->arguments.positional) look_at(argument);
  for (const auto& [name, argument] : node->arguments.named) look_at(argument);
  look_at(node->arguments.star);
  look_at(node->arguments.double_star);
  node->depth = deepest + 1;
  if (node->depth > kMaxTreeDepth) {
    fail_at(node->position, ErrorCode::unsupported, "expression is nested more than {} levels deep",
            kMaxTreeDepth);
  }
  return node;
}

ExprPtr unary_expr(Expr::Kind kind, Position position, ExprPtr operand) {
  auto node = make_expr(kind, position);
  node->operands.push_back(std::move(operand));
  return finish_expr(std::move(node));
}

ExprPtr binary_expr(Expr::Kind kind, Position position, ExprPtr left, ExprPtr right) {
  auto node = make_expr(kind, position);
  node->operands.push_back(std::move(left));
  node->operands.push_back(std::move(right));
  return finish_expr(std::move(node));
}

}  // namespace tinyllm::jinja
