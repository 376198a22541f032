import sys

from pluseboard.cli import main

sys.exit(main())
