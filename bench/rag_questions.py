"""Questions about this project's docs and course, each with words of the passage that answers it.

TUNED are those that search was tuned on. HELD_OUT were written after that by somebody who did not look at what search finds
for them, and are never tuned on: whoever changes search reports both. A passage stands once in its page.
"""

TUNED = {
    "docs/architecture.md": [
        ("Which script enforces which folder may include which?", "reads this table and fails when a file includes a folder"),
        ("Where are unit tests kept?", "Unit tests stand beside their source"),
        ("How is a message that contains <|im_end|> kept from ending itself?", "so that `<|im_end|>` in a message is text"),
        ("How many lines may a source file have?", "Files have at most 500 lines"),
        ("Why is the sampler's exponential function the same on all machines?", "exp2 of the sampler needs no fused multiply-add"),
        ("What has to be written to support another model family?", "one `loader/arch_NAME.cpp` that says what differs"),
        ("Why do drafts never have to be undone?", "Drafts need no undo on the device"),
        ("How can a query see attention sinks at the right distance?", "A query is turned a second time"),
    ],
    "docs/engine.md": [
        ("How many positions does a block of keys and values have?", "K and V live in blocks of 32 positions"),
        ("What happens when a sequence needs memory and none is free?", "When a running sequence needs a block and none is free"),
        ("What is the token budget of a step?", "A step computes at most `--max-num-batched-tokens` tokens"),
        ("Why are the bits of an answer independent of other users?", "So the bits of an answer do not depend on its neighbours"),
        ("How long may the engine spend copying blocks from disk between steps?", "for an eighth of a step's time, or 2 ms"),
        ("Does a request with a stop string ever send half of it?", "never half a UTF-8 character, and nothing that may yet become a stop string"),
        ("How are keys laid out in memory on the CPU?", "keys transposed (`[head_dim][block]`)"),
        ("How can I find the layer that computes wrongly?", "writes each layer's output as NumPy files"),
        ("What does a draft model share with the main model?", "a second backend and decoder over the same block tables"),
    ],
    "docs/serving.md": [
        ("What does a client get when too many answers are waiting?", "answers that may wait; further requests get 429"),
        ("How can urgent requests go first?", "the field `priority` of a request counts"),
        ("What happens with fields in a request that are unknown?", "a field that the server does not know is refused"),
        ("How many earlier responses can a conversation go on from?", "goes on from one of the latest 1,000 answers"),
        ("Where does the chat page save conversations?", "Conversations are kept in the browser"),
        ("Is the API key stored by the web page?", "The API key is kept for the tab alone"),
        ("Which version of LangChain or litellm was tested?", "as `openai/` and as `hosted_vllm/`"),
    ],
    "docs/long-context.md": [
        ("How can I extend a model to four times its trained length?", "can read 131072 with `--rope-scaling yarn:4`"),
        ("Why must the first tokens stay visible with a sliding window?", "Models put weight that they need nowhere else on the first tokens"),
        ("What does perplexity become with a window of 256?", "| `--window 256` | 46.80 |"),
        ("Are sinks supported with CUDA?", "`--sinks` is refused"),
        ("How large are the stored keys and values of one token?", "for each token some 10 to 60 KB with small models"),
        ("How do I see how many tokens of my prompt were cached?", "says how many tokens were found"),
        ("Which metric counts corrupt blocks in the store?", "blocks whose checksum was wrong"),
    ],
    "docs/moe.md": [
        ("How many experts does a token use in Qwen3-MoE?", "| experts of a layer, of which a token uses | 60, 4 | 128, 8 |"),
        ("How does the router choose between experts with equal scores?", "of equals the lower number"),
        ("How fast is mixture-of-experts decoding compared with ik_llama.cpp?", "| decode of 64 tokens | 1.51 |"),
        ("Which command shows which experts were busy?", "shows where the time goes and which experts were busy"),
        ("How is the shared expert computed?", "expert is one more expert that every token chose"),
    ],
    "docs/speculation.md": [
        ("Does speculative decoding change the answer?", "The text stays the same, to the bit"),
        ("How many tokens of old answers are remembered for drafting?", "between 16,384 and 32,768 tokens of each of at most 16 salts"),
        ("What speedup do edits get from a draft model?", "| edit | 29.7 | 57.9 | 1.95 | 2.5 |"),
        ("When does a draft model stop guessing because it does not pay?", "drafts of a text have cost more time than they saved"),
        ("Can the draft model have a different vocabulary size?", "Its embedding may have fewer or more rows"),
        ("Where do drafts come from if a grammar permits just one token?", "Where a grammar leaves no choice, its token is the draft"),
    ],
    "docs/tools.md": [
        ("How do I limit how long a model thinks?", "is the number of tokens that the model may think"),
        ("Does tool_choice required guarantee a call?", "the answer is calls (at most 16) and nothing else"),
        ("How is an invalid tool call reported back?", "that says what was wrong; so does a call that `max_tokens` cuts"),
        ("Where is the reasoning text in the answer?", "stands in `reasoning_content`"),
    ],
    "docs/gpu.md": [
        ("How do I get identical text on a GPU whatever the batch?", "in a crowd, from the prefix cache, after preemption and with drafts, as on the CPU"),
        ("What throughput has 7B in bf16 on an H200 compared to vLLM?", "vLLM 0.26 on the same kind of card"),
        ("How much slower is deterministic mode?", "Nothing in 7B up to 8 together, 13 % in small models"),
        ("Does the binary start on a machine without an NVIDIA driver?", "The binary links neither driver nor cuBLASLt"),
    ],
    "docs/troubleshooting.md": [
        ("Why does a 98 MB model need gigabytes in the server?", "Its KV cache is made for 32 full contexts"),
        ("tokenizer.ggml.pre is missing, what now?", "the file was converted before April 2024"),
        ("Llama 2 is rejected because of its tokenizer", "models such as Llama 2, TinyLlama and Mistral 7B"),
        ("The downloaded model file seems damaged, how do I check and repair it?", "`./tiny pull NAME` fetches what differs"),
        ("My processor lacks AVX-512 and the program complains", "names kernels that the CPU lacks"),
    ],
    "docs/install.md": [
        ("Which compiler and CMake version are needed?", "CMake 3.25 and g++ 12 or newer"),
        ("How do I uninstall or delete what was built?", "`rm -r build`"),
        ("Does it run in docker?", "No container engine has tried it yet"),
        ("How does the CUDA build find nvcc?", "If `nvcc` is on the path or in `/usr/local/cuda/bin`"),
        ("Where is my typed chat history and how can I turn it off?", "`--no-history` keeps nothing"),
    ],
    "docs/models.md": [
        ("Which quantised GGUF formats can be loaded?", "F32, F16, BF16, Q4_0, Q4_1, Q5_0"),
        ("How many bits per weight has q8_0 and when should I take it?", "you want the answers of the float model and have the memory"),
        ("What is the licence and size of the 1.5B coder model?", "| `qwen2.5-coder-1.5b` | Qwen2.5-Coder-1.5B-Instruct, Q4_K_M |"),
        ("Can weights be quantised while loading?", "quantises the float weights of a model while it loads"),
    ],
    "docs/retrieval.md": [
        ("What happens to a text that is longer than the embedding model reads?", "A text that is longer than the model reads is cut at its end"),
        ("Can embeddings be shortened to fewer dimensions?", "keep the first N numbers, at length 1 again"),
        ("Do embedding requests slow down the health check?", "`/health`, streams and the prompts of other requests do not wait for them"),
        ("How close are int8 embeddings to float ones?", "its vectors have a cosine of at least 0.999 to those of f32"),
    ],
    "course/README.md": [
        ("Do I need to know Python to take the course?", "You know basic C++ (loops, pointers, functions) and what a dot product is"),
        ("How does my file replace the engine's version of an operator?", "so the linker takes yours"),
        ("What do I lose if the course and I both edited the same line?", "your version is kept, and it says how to see the other"),
        ("Which keys help me when a task's test stays red?", "`h` shows the next hint"),
        ("Which file of a task lists known mistakes?", "`tinyllm learn record ID` writes what they answer into"),
    ],
    "course/week1/1.1-attention/lesson.md": [
        ("Why is the dot product of query and key divided?", "Squares add up: 64 products of size 1 make a sum of about the root of 64"),
        ("How much more work is attention for a text of double length?", "Four times as many: each of twice as many tokens looks at twice as many"),
        ("What is the result of attention if every key is the same?", "If all keys are equal, the output is the mean of the values"),
    ],
    "course/week1/1.3-grouped-attention/lesson.md": [
        ("How many bytes of cache does one token of SmolLM2 need?", "SmolLM2, 16 bit = 2 * 30 * 3 * 64 * 2 = 23,040"),
        ("Who invented multi-query attention?", "saw that a new token's time goes into reading keys"),
        ("Why is the mask added before the softmax?", "A weight that is set to 0 afterwards would leave a sum below 1"),
    ],
    "course/week0/0.0-one-token/lesson.md": [
        ("How big is the vocabulary of SmolLM2?", "SmolLM2, the small model of this course, knows 49152 of them"),
        ("What does the MLP do with a token's vector?", "576 numbers become 1536, pass through a curve (SiLU), and become 576 again"),
        ("How many parameters do all the layers have together?", "| 30 layers | 106 million |"),
    ],
    "course/week0/0.1-first-words/lesson.md": [
        ("Which errors in an operator cannot be noticed in the text?", "eps in the wrong place changes no word here"),
        ("Why does the model always reply the same?", "It takes the largest score; there is no chance in it"),
    ],
    "course/week0/0.2-index-matmul-softmax/lesson.md": [
        ("Why may a constant be subtracted in softmax?", "the same factor above and below the fraction line"),
    ],
}  # fmt: skip

HELD_OUT = {
    "course/week1/1.2-rope/lesson.md": [
        ("How long does the slowest pair of a head take to turn around once?", "The last one needs 438,000 tokens for a round"),
        ("Are the values rotated too?", "What does RoPE do to the values? Nothing: only queries and keys are turned"),
        ("Which models use interleaved pairs and which use halves?", "GPT-J kept that; GPT-NeoX split the head into halves"),
        ("What goes wrong when a GGUF file is read with the other pairing?", "Whoever reads one as the other gets no error, only a model that makes no sense"),
        ("Why can no one notice that positions are shifted by one?", "A score depends on the distance of two positions, and all distances stay as they were"),
        ("May keys be cached after rotation?", "Because a key's position never changes"),
    ],
    "course/week1/1.4-rms-norm/lesson.md": [
        ("Which share of the weights of SmolLM2 is in the MLP?", "79.6 million of 134.5 million, so 59 % of the model"),
        ("How often is a vector normalised on its way through the model?", "Two in each of 30 layers and one at the end: 61"),
        ("Why would two matrix products without an activation be pointless?", "The curve is what keeps the second matrix from being folded into the first"),
        ("Who first left the mean out of layer normalisation?", "left the mean out, and nothing was lost: RMSNorm"),
        ("How does the SwiGLU paper explain its success?", "as all else, to divine benevolence"),
        ("How does vLLM store the gate and up projections?", "It keeps gate_proj and up_proj in one matrix"),
    ],
    "course/week1/1.7-sampling/lesson.md": [
        ("In what order are temperature and the filters applied?", "Temperature, top-k, top-p, draw. Top-p looks at the mass that top-k has left"),
        ("Why are probabilities kept as integers?", "Sums of whole numbers are exact in every order; sums of floats are not"),
        ("What limits how fast tokens can be generated?", "So the time of a token is about the bytes of the weights divided by the bandwidth of the memory"),
        ("Which paper introduced nucleus sampling?", "They proposed the nucleus, which is top-p"),
        ("How can a text be resumed with the same random numbers?", "This engine asks Philox for number `position` of key `seed`"),
        ("Why is a fixed k a bad cut?", "and 39 others are noise; where it is not, the 41st is nearly as good as the 40th"),
    ],
    "course/tasks/norm.rms/lesson.md": [
        ("What does the model say if I forget to divide by the number of elements?", "with nothing but line breaks"),
        ("What is a near tie?", "called a near tie, and a rounding decides it"),
        ("Why may my output differ from the engine's although both norms are correct?", "the engine rounds what goes into each matrix product to 8 bits"),
    ],
    "course/tasks/matmul.naive/lesson.md": [
        ("What happens when the matrix product overwrites its output?", "where it should *add*, the model says"),
        ("Why are both matrices read along rows?", "A weight row is one output, and a row is contiguous in memory"),
    ],
    "course/README.md": [
        ("What does an infinite loop in my exercise do to the tool?", "a crash or an endless loop is an ordinary result"),
        ("How can I let a CI system grade a learner's folder?", "gives a report that CI systems read"),
        ("How do I pull in a new version of the lessons?", "whenever you like: a new version of the course, merged in"),
    ],
    "docs/install.md": [
        ("How much RAM does compiling take?", "About 1 GB of memory for each compiler process"),
        ("Which instruction sets make it faster?", "Models run faster with AVX2 (since about 2013)"),
        ("Can my shell complete model names?", "Your shell completes commands, flags and the names of models"),
        ("How do I delete an installed binary?", "| an installed copy | `~/.local/bin/tinyllm`, for root `/usr/local/bin/tinyllm` | delete the file |"),
    ],
    "docs/serving.md": [
        ("How do I make long answers stop?", "Always give `max_tokens`: without it an answer may fill the whole context"),
        ("Which Anthropic endpoints are there?", "| `/v1/messages`, `/v1/messages/count_tokens` | Anthropic |"),
        ("What is the default maximum model length?", "| what the model was trained for, at most 32768 | prompt and answer together"),
        ("Does aider work with this server?", "questions about a file (`--edit-format ask`), streamed and whole"),
        ("Is the same seed enough to reproduce an answer on a busy server?", "With `temperature` 0 the same request always gets the same answer"),
        ("What happens when a grammar gets too expensive during generation?", "becomes too costly as its text grows ends that request with a 400"),
    ],
    "docs/tools.md": [
        ("Can a file-reading tool leave its folder through a symlink?", "symbolic links that lead out of it, binary files and files over 4 MiB"),
        ("Do I get asked before a tool is executed?", "Every call is shown and asks first"),
        ("May user text forge special tokens?", "What you, your users and your tools write never becomes a special token of the model"),
        ("Which thinking budget stops reasoning immediately?", "0 ends the thinking at once; -1 is any number"),
    ],
    "docs/gpu.md": [
        ("Which number format have keys and values on CUDA?", "Keys and values are bf16 (`--kv-type bf16`), and blocks a multiple of 16 tokens"),
        ("How does the engine choose a cuBLASLt algorithm?", "The choice among cuBLASLt's algorithms is its own heuristic: none is timed"),
        ("Which kernel is used for attention over a prompt?", "flash attention on wgmma"),
        ("Why did prefetching policy for async copies fail?", "is an illegal instruction in one of the kernels"),
    ],
    "docs/decisions/kv-int8.md": [
        ("Why are keys rotated by a Hadamard transform before rounding?", "Keys and queries go through a Walsh-Hadamard transform first"),
        ("Which model has huge outliers in single key channels?", "The key bias of Qwen2.5 makes single channels a hundred times as large as the rest"),
    ],
    "docs/origins.md": [
        ("Why is there a week 0?", "a day to hear the machine before building it"),
        ("Why are progress ticks filled from tests?", "ticks need evidence"),
    ],
}  # fmt: skip
