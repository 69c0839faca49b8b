#include "exporter/model/node_names.h"

#include <gtest/gtest.h>

#include <vector>

namespace upkeep {
namespace {

TEST(NodeNames, MayHaveADomainOrOtherCase) {
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"n2"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"N2.example.com"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2.example.com"}, NodeName{"n2"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n1"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n20.example.com"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2.a.com"}, NodeName{"n2.b.com"}));
  EXPECT_FALSE(is_name_of(NodeName{""}, NodeName{".example.com"}));
}

TEST(NodeNames, AShortOneThatTwoShareIsNeithers) {
  const std::vector<NodeName> nodes{{"n2.a.com"}, {"n2.b.com"}, {"n3.a.com"}};
  EXPECT_EQ(only_one_called(NodeName{"n3"}, nodes), &nodes[2]);
  EXPECT_EQ(only_one_called(NodeName{"n2.b.com"}, nodes), &nodes[1]);
  EXPECT_EQ(only_one_called(NodeName{"n2"}, nodes), nullptr);
  EXPECT_EQ(only_one_called(NodeName{"n4"}, nodes), nullptr);
}

TEST(NodeNames, WhoIsCalledSoExactlyIsMeant) {
  const std::vector<NodeName> nodes{{"n2"}, {"n2.b.com"}, {"N3"}, {"n3"}};
  EXPECT_EQ(only_one_called(NodeName{"n2"}, nodes), &nodes[0]);
  EXPECT_EQ(only_one_called(NodeName{"N2"}, nodes), &nodes[0]);
  EXPECT_EQ(only_one_called(NodeName{"N2.b.com"}, nodes), &nodes[1]);
  EXPECT_EQ(only_one_called(NodeName{"n3"}, nodes), &nodes[3]);
  EXPECT_EQ(only_one_called(NodeName{"n3.a"}, nodes), nullptr);
}

TEST(NodeNames, AShortOneIsTheCounterpartOfOneLongOneOrOfNone) {
  const std::vector<NodeName> nodes{{"n2"}};
  const std::vector<NodeName> one{{"n2.a"}, {"n3"}};
  const std::vector<NodeName> two{{"n2.a"}, {"n2.b"}};
  EXPECT_EQ(counterpart(NodeName{"n2.a"}, nodes, one), nodes.data());
  EXPECT_EQ(counterpart(NodeName{"n2.a"}, nodes, two), nullptr);
  EXPECT_EQ(counterpart(NodeName{"n2.b"}, nodes, two), nullptr);
  EXPECT_EQ(counterpart(NodeName{"N2.b"}, two, std::vector<NodeName>{{"n2"}, {"N2.b"}}), &two[1]);
  EXPECT_EQ(counterpart(NodeName{"n2"}, two, nodes), nullptr);
}

}  // namespace
}  // namespace upkeep
