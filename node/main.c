/* guanxi: the node and its client. */
#include "node/cli/cli.h"

int main(int argc, char **argv)
{
    return gx_cli_main(argc, argv);
}
