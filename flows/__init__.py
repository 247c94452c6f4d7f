"""The order of things: which steps each job takes, and how jobs start each other."""

from flows.ending import end_quietly
from tasks.logs import keep_clean

keep_clean()
end_quietly()
